import { artifactFiles, type Calibration, describeBackbones, fusions } from '@crosscheck/contract';
import { describeDifferences, describeRounding } from '../parity/describe-comparison.ts';
import type { ArtifactContent } from './artifact-content.ts';

/** The folder's README.md, with the header that model hubs read. */
export function modelCard(content: ArtifactContent): string {
  return [
    frontMatter(content),
    heading(content),
    labels(content),
    ...calibration(content),
    metrics(content),
    ...fidelity(content),
    inputs(content),
    limits,
    usage,
  ]
    .join('\n\n')
    .concat('\n');
}

/** Tags name the family of each backbone. */
function frontMatter({ architecture }: ArtifactContent): string {
  const text = describeBackbones(architecture).includes('DistilBERT') ? 'distilbert' : 'bert';
  return `---
library_name: onnx
pipeline_tag: image-text-to-text
tags: [fake-news-detection, multimodal, efficientnet, ${text}, onnx]
---`;
}

function heading({ name, version, source, opset, precision = 'fp32', architecture }: ArtifactContent): string {
  const run = source.runId === null ? '' : `, MLflow run \`${source.runId}\``;
  return `# ${name} ${version}

Judges a news post by its picture and its words together: ${describeBackbones(architecture)}, ${fusions[architecture.fusion].words}, one logit.
Exported from \`${source.checkpoint}\` (sha256 \`${source.checkpointSha256.slice(0, 16)}…\`${run}) as ONNX, opset ${opset}, ${precision}.`;
}

function labels({ threshold, temperature, abstainBand: band }: ArtifactContent): string {
  const unsure = band
    ? ` Asked to abstain, the model answers UNSURE from ${short(band.low)} to ${short(band.high)}, both included.`
    : '';
  return `## Labels

\`0\` = REAL, \`1\` = FAKE. probability of FAKE = sigmoid(logit / ${short(temperature)}); the verdict is FAKE when it is above ${short(threshold)}.${unsure}`;
}

const short = (value: number) => String(Number(value.toFixed(4)));

/** Where the numbers of the verdict come from, and whether the posts they were fitted on had been used before. */
function calibration({ calibration: fit, abstainBand }: ArtifactContent): string[] {
  if (!fit) return [];
  const usedBefore =
    fit.usedBefore.length === 0
      ? 'They were used for nothing else.'
      : `They were also used for ${fit.usedBefore.join(' and ')}, so the probabilities look more honest here than they are.`;
  const band = abstainBand && fit.coverage !== null ? [`- abstain band: ${fit.abstain}; ${coverageOf(fit)}`] : [];
  const before = (name: 'loss' | 'brier' | 'ece') => `${fit.before[name].toFixed(4)} → ${fit.after[name].toFixed(4)}`;
  return [
    `## Calibration

Fitted on ${fit.posts} posts of the ${fit.split} split. ${usedBefore}

${[`- temperature: ${fit.temperature}`, `- threshold: ${fit.threshold}`, ...band].join('\n')}
- log loss ${before('loss')}, Brier score ${before('brier')}, calibration error ${before('ece')}`,
  ];
}

function coverageOf({ coverage, accuracy }: Calibration): string {
  const percent = (share: number | null) => (share === null ? 'none' : `${(100 * share).toFixed(1)} %`);
  return `${percent(coverage)} of these posts get a verdict, ${percent(accuracy)} of those are right`;
}

const measuredMetrics: [key: string, name: string][] = [
  ['accuracy', 'accuracy'],
  ['balancedAccuracy', 'balanced accuracy'],
  ['precision', 'precision of FAKE'],
  ['recall', 'recall of FAKE'],
  ['f1', 'F1 of FAKE'],
  ['rocAuc', 'area under the ROC curve'],
  ['brier', 'Brier score (less is better)'],
  ['ece', 'calibration error (less is better)'],
];

function metrics({ evaluation, metrics: recorded }: ArtifactContent): string {
  const ofTraining = Object.entries(recorded).map(([name, value]) => `| ${name} | ${Number(value.toFixed(4))} |`);
  return [
    '## Metrics',
    ...(evaluation ? [measuredTable(evaluation)] : ['This folder was exported without posts to measure it on.']),
    ...(ofTraining.length > 0
      ? [
          `As the checkpoint records them, measured while it was trained:`,
          ['| metric | value |', '|---|---|', ...ofTraining].join('\n'),
        ]
      : ['The checkpoint carries none: it was not evaluated while it was trained.']),
  ].join('\n\n');
}

function measuredTable({ posts, metrics: measured }: NonNullable<ArtifactContent['evaluation']>): string {
  const rows = measuredMetrics.flatMap(([key, name]) => {
    const estimate = measured[key];
    return estimate
      ? [`| ${name} | ${[estimate.value, estimate.low, estimate.high].map((x) => x.toFixed(3)).join(' | ')} |`]
      : [];
  });
  return [
    `This folder, served, on ${posts} posts with labels that \`pnpm export\` was given; 95 % intervals by bootstrap. They hold for posts like those.`,
    '',
    '| metric | value | from | to |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function fidelity({ fidelity: measured, precision }: ArtifactContent): string[] {
  if (!measured) return [];
  const { posts, meanProbabilityDifference: mean, maxProbabilityDifference: max, changedVerdicts } = measured;
  const more = [...describeDifferences(measured), ...describeRounding(measured)].map((line) => `- ${line}`);
  return [
    [
      `## Precision

${precision} against fp32 on ${posts} posts: mean |Δp| ${mean.toFixed(4)}, largest ${max.toFixed(4)}, ${changedVerdicts} verdicts differ.`,
      ...(more.length > 0 ? [more.join('\n')] : []),
    ].join('\n\n'),
  ];
}

function inputs({ preprocessing: p, architecture }: ArtifactContent): string {
  return `## Inputs and output

| name | type | shape | meaning |
|---|---|---|---|
| \`image\` | float32 | [B, 3, ${p.imageSize}, ${p.imageSize}] | RGB / 255, minus ${JSON.stringify(p.mean)}, over ${JSON.stringify(p.std)}; stretched to a square by antialiased bilinear resize |
| \`input_ids\` | int64 | [B, L] | WordPiece ids below ${architecture.text.vocabSize}, \`[CLS] … [SEP]\`, L ≤ ${p.maxTokens}; a blank text becomes \`${p.emptyText}\` |
| \`attention_mask\` | int64 | [B, L] | 1 on tokens, 0 on padding |
| \`logits\` | float32 | [B, 1] | above 0 leans to FAKE |

B and L are dynamic.${absence(architecture)} \`${artifactFiles.onnx}\` needs \`${artifactFiles.onnxData}\` beside it.`;
}

/** What may be left out, and how. */
function absence({ missingModality }: ArtifactContent['architecture']): string {
  if (missingModality === 'none') return ' A post needs both its picture and its words.';
  return ' A post may lack one part: without a picture its `image` is NaN, without words its `attention_mask` is 0 everywhere.';
}

const limits = `## Limits

The model compares a picture with its caption; it knows nothing of the world beyond its training posts and cannot check a fact. It
inherits the biases of its training data and its backbones. A verdict is a reason to look closer, not a proof.`;

const usage = `## Use

\`\`\`sh
pnpm infer inference.mode=single inference.checkpoint.path=<this folder> inference.single.image_path=photo.jpg inference.single.text="…"
pnpm serve serve.artifact=<this folder>
\`\`\`

Any runtime of ONNX loads the graph; \`config.json\`, \`preprocessor_config.json\` and the tokenizer files are read by Hugging Face's libraries, in transformers.js:

\`\`\`js
const model = await AutoModel.from_pretrained('<this folder>', { model_file_name: 'multimodal_model', subfolder: '', dtype: 'fp32' });
const { logits } = await model({ image: pixel_values, input_ids, attention_mask }); // of AutoImageProcessor and AutoTokenizer
\`\`\``;
