/** Every colour that a plot uses, by its role. */
export interface Theme {
  paper: string;
  ink: string;
  muted: string;
  grid: string;
  axis: string;
  /** Training, and whatever a plot compares against. */
  quiet: string;
  /** Validation, and whatever a plot is about. */
  accent: string;
  onAccent: string;
  real: string;
  fake: string;
  third: string;
}

/** For PNG files and stand-alone SVG. Blue and orange stay apart for every common colour blindness. */
export const lightTheme: Theme = {
  paper: '#ffffff',
  ink: '#1c2024',
  muted: '#60646c',
  grid: '#ececf0',
  axis: '#cdced6',
  quiet: '#9a9ca6',
  accent: '#0b68cb',
  onAccent: '#ffffff',
  real: '#0b68cb',
  fake: '#cc4e00',
  third: '#8145b5',
};

export const darkTheme: Theme = {
  paper: '#18191b',
  ink: '#edeef0',
  muted: '#b0b4ba',
  grid: '#2b2d31',
  axis: '#43484e',
  quiet: '#7d828a',
  accent: '#70b8ff',
  onAccent: '#10233a',
  real: '#70b8ff',
  fake: '#ff9b52',
  third: '#c79be8',
};

function variableOf(role: string): string {
  return `--plot-${role.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Colours as CSS variables, so that one SVG follows the page between light and dark. */
export const pageTheme = Object.fromEntries(
  Object.keys(lightTheme).map((role) => [role, `var(${variableOf(role)})`]),
) as unknown as Theme;

/** The declarations that give `pageTheme` its colours. */
export function themeVariables(theme: Theme): string {
  return Object.entries(theme)
    .map(([role, colour]) => `${variableOf(role)}:${colour}`)
    .join(';');
}

/** Vega-Lite's `config` block: thin grid, no frame, small grey labels. */
export function plotConfig(theme: Theme) {
  const label = { labelColor: theme.muted, titleColor: theme.muted, labelFontSize: 11, titleFontSize: 11 };
  return {
    aria: false,
    background: null,
    font: 'Inter, system-ui, sans-serif',
    padding: 4,
    view: { stroke: null },
    title: { color: theme.ink, fontSize: 13, fontWeight: 600, anchor: 'start', offset: 12 },
    axis: {
      ...label,
      titleFontWeight: 400,
      titlePadding: 8,
      gridColor: theme.grid,
      domainColor: theme.axis,
      tickColor: theme.axis,
      tickSize: 4,
      labelPadding: 4,
    },
    legend: {
      ...label,
      title: null,
      labelFontSize: 12,
      labelLimit: 0,
      columnPadding: 16,
      symbolSize: 90,
      symbolStrokeWidth: 2.5,
      symbolOpacity: 1,
      orient: 'top',
    },
    text: { color: theme.ink, fontSize: 11 },
  };
}
