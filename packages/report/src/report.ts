import { ablationSection } from './page/ablations.ts';
import { calibrationSection } from './page/calibration.ts';
import { comparisonSection } from './page/comparison.ts';
import { diagnosisSection } from './page/diagnoses.ts';
import type { Section } from './page/html.ts';
import { mistakeSection } from './page/mistakes.ts';
import { renderPage } from './page/page.ts';
import { resultSection } from './page/result.ts';
import { configSection, environmentSection, modelSection } from './page/settings.ts';
import { trainingSection } from './page/training.ts';
import { checkSection, groupSection, verdictSection } from './page/verdicts.ts';
import type { ReportData } from './report-data.ts';

async function evaluationSections({
  evaluation,
  calibration,
  groups,
  ablations,
  checks,
}: ReportData): Promise<Section[]> {
  if (evaluation === undefined) return ablations === undefined ? [] : [ablationSection(ablations)];
  return [
    resultSection(evaluation),
    ...(ablations === undefined ? [] : [ablationSection(ablations)]),
    await verdictSection(evaluation),
    await calibrationSection(calibration ?? evaluation),
    ...(groups === undefined ? [] : [groupSection(evaluation, groups)]),
    ...(checks === undefined ? [] : [checkSection(checks)]),
  ];
}

const howTrained = { id: 'training-config', heading: 'How it was trained' };
const howJudged = { id: 'config', heading: 'How it was judged' };

async function sectionsOf(data: ReportData): Promise<Section[]> {
  const { diagnoses = [], epochs = [], mistakes = [], config, configOrigins, environment } = data;
  const { rival, model, trainedWith } = data;
  return [
    ...(diagnoses.length > 0 ? [diagnosisSection(diagnoses)] : []),
    ...(await evaluationSections(data)),
    ...(rival === undefined ? [] : [await comparisonSection(rival)]),
    ...(mistakes.length > 0 ? [await mistakeSection(mistakes)] : []),
    ...(epochs.length > 0 ? [await trainingSection(data)] : []),
    ...(model === undefined ? [] : [modelSection(model)]),
    ...(trainedWith === undefined ? [] : [configSection(trainedWith.config, trainedWith.origins, howTrained)]),
    ...(config === undefined ? [] : [configSection(config, configOrigins, trainedWith && howJudged)]),
    ...(environment === undefined ? [] : [environmentSection(environment)]),
  ];
}

/**
 * Writes the report of a run or an evaluation as one HTML page that needs nothing else: fonts, plots and pictures are inside, no script runs
 * and no request leaves it. It follows the reader's light or dark setting. All text from data is escaped.
 *
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 * @example writeFileSync('report.html', await renderReport({ title: 'Two phases', version: '1.0', createdAt, epochs, evaluation }));
 */
export async function renderReport(data: ReportData): Promise<string> {
  const { title, version, createdAt, description, warnings } = data;
  return renderPage({
    kind: 'Crosscheck report',
    title,
    subtitle: `version ${version}`,
    createdAt,
    ...(description !== undefined && { description }),
    ...(warnings !== undefined && { warnings }),
    sections: await sectionsOf(data),
    footer:
      '0 = REAL, 1 = FAKE. FAKE is the positive class; a verdict is FAKE when the probability is strictly above the threshold.',
  });
}
