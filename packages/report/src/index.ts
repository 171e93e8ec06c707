export { type ComparedSetting, type ComparisonData, renderComparison } from './comparison.ts';
export type { EpochRecord } from './history.ts';
export { describeComparison } from './page/comparison.ts';
export { type Column, type Html, html, type Section, table, trusted } from './page/html.ts';
export { type PageOptions, renderPage } from './page/page.ts';
export type { PngOptions } from './png.ts';
export {
  type EvaluationPlotName,
  renderConfusionMatrix,
  renderEvaluationPlot,
  renderEvaluationPlots,
  renderEvaluationSvg,
  renderTrainingCurves,
} from './render.ts';
export { renderReport } from './report.ts';
export type { Ablations, Disagreement, JudgedPair, Mistake, PhaseDetails, ReportData } from './report-data.ts';
export type { ScoredSplit } from './scored-split.ts';
export { renderSearch } from './search.ts';
export type { SearchData, SearchedParameter, SearchedTrial } from './search-data.ts';
export { darkTheme, lightTheme, type Theme } from './theme.ts';
export { thumbnail } from './thumbnails.ts';
