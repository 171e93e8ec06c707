import { architectureOf, preprocessingOf, type TrainConfig } from '@crosscheck/config';
import { type Architecture, CrosscheckError, type Preprocessing, type SeenRows } from '@crosscheck/contract';
import { createModel, loadWeights, type Model } from '@crosscheck/engine';
import { noDropout, readsSequences } from '@crosscheck/network';
import type { Tokenizer } from '@crosscheck/preprocess';
import { openCheckpoint, resolveCheckpointPath } from '@crosscheck/weights';
import { complete } from '../run/complete.ts';
import { buildModel, loadInitialWeights, meaningOf, openDescription, openRunTokenizer } from '../run/network.ts';

/** What turns posts into features. */
export interface Backbones {
  model: Model;
  tokenizer: Tokenizer;
  preprocessing: Preprocessing;
  /** Where the weights come from, for people. */
  sources: string[];
  /** The rows that the weights have learnt from; null when they have learnt from none, or do not say. */
  seenRows: SeenRows | null;
}

/** The backbones of `suspects.checkpoint`, else those that `model` names. The fusion head is not used. */
export async function openBackbones(config: TrainConfig): Promise<Backbones> {
  return config.suspects.checkpoint === null ? openNamed(config) : openTrained(config, config.suspects.checkpoint);
}

async function openNamed(asked: TrainConfig): Promise<Backbones> {
  const { config, lines } = await complete(asked);
  const tokenizer = await openRunTokenizer(config);
  // Regions and tokens of cross attention are more than a probe can use.
  const fusion = config.model.load_model ? config.model.fusion : 'concat';
  const architecture = { ...architectureOf(config), fusion };
  requirePooled(architecture, config.model.best_model_name);
  const model = buildModel(config, architecture);
  const sources = [...lines, ...(await loadInitialWeights(model, config))];
  return { model, tokenizer, preprocessing: preprocessingOf(config), sources, seenRows: null };
}

async function openTrained(config: TrainConfig, named: string): Promise<Backbones> {
  const file = await resolveCheckpointPath(named, config.training.checkpoint_dir);
  const checkpoint = await openCheckpoint(file, meaningOf(config));
  try {
    const { metadata, tokenizer } = await openDescription(checkpoint, config);
    const { architecture, preprocessing } = metadata;
    requirePooled(architecture, file);
    const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 0 });
    await loadWeights(model, checkpoint);
    return { model, tokenizer, preprocessing, sources: [`backbones: ${file}`], seenRows: metadata.seenRows ?? null };
  } finally {
    await checkpoint.close();
  }
}

function requirePooled(architecture: Architecture, file: string): void {
  if (!readsSequences(architecture)) return;
  throw new CrosscheckError(
    'CROSSCHECK_SUSPECTS_UNSUPPORTED',
    `expected a checkpoint whose backbones give one vector per image and text, got ${file} with model.fusion=${architecture.fusion}; ` +
      'leave suspects.checkpoint and model.load_model out to use the pretrained backbones, or name another checkpoint',
  );
}
