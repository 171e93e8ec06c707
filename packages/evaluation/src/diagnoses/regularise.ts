import { listed, type Remedy, unused, unusedRows } from './advice.ts';
import type { Facts, TrainedEpoch } from './facts.ts';
import { overfittingOf, phasesOf, valLoss } from './overfitting.ts';

// What helps against learning by heart, from what the phase that did so leaves unused.

interface Setting {
  key: string;
  /** Undefined where the settings are not known. */
  value: string | undefined;
}

const phaseOf = (facts: Facts) => overfittingOf(facts)?.phase ?? '';

/** A setting as the phase has it: its own where it has one, else that of the whole run. */
function settingOf(facts: Facts, own: string, shared: string): Setting {
  const key = `training.phases.${phaseOf(facts)}.${own}`;
  const value = facts.settings?.[key];
  const isOwn = value !== undefined && value !== 'null' && value !== 'undefined';
  return isOwn ? { key, value } : { key: shared, value: facts.settings?.[shared] };
}

const setTo = ({ key, value }: Setting, wanted: string) => (value === wanted ? [] : [`${key}=${wanted}`]);

/** `key=wanted` where the setting is lower than that. */
const raised = ({ key, value }: Setting, wanted: number) => (Number(value ?? 0) < wanted ? [`${key}=${wanted}`] : []);

const shared = ({ settings }: Facts, key: string): Setting => ({ key, value: settings?.[key] });

const freezes = (facts: Facts) => ({
  vision: settingOf(facts, 'freeze_vision', 'model.freeze_vision'),
  text: settingOf(facts, 'freeze_text', 'model.freeze_text'),
});

const learns = ({ value }: Setting) => value !== 'true';

const morePosts: Remedy = (facts) => {
  const begin = 'train on more posts';
  return listed(`${begin}:`, unusedRows(facts)) || begin;
};

const augment: Remedy = (facts) =>
  listed('augment images:', setTo(settingOf(facts, 'augmentation', 'data.augmentation.enabled'), 'true'));

const moreDropout: Remedy = (facts) => {
  const { vision, text } = freezes(facts);
  return listed('more dropout:', [
    ...raised(shared(facts, 'model.dropout_rate'), 0.5),
    ...raised(shared(facts, 'model.projection_dropout'), 0.5),
    ...(learns(vision) ? raised(shared(facts, 'model.vision.stochastic_depth'), 0.2) : []),
    ...(learns(text) ? raised(shared(facts, 'model.text.dropout'), 0.2) : []),
  ]);
};

const decayAndSmooth: Remedy = (facts) =>
  listed('regularise:', [
    ...raised(settingOf(facts, 'weight_decay', 'training.weight_decay'), 0.1),
    ...raised(shared(facts, 'training.loss.label_smoothing'), 0.1),
  ]);

/** As many epochs as the phase took to its lowest loss on validation. */
const stopEarlier: Remedy = (facts) => {
  const epochs = phasesOf(facts).find(([first]) => first?.phase === phaseOf(facts)) ?? [];
  const lowest = epochs.reduce(
    (best, epoch, i) => (valLoss(epoch) < valLoss(epochs[best] as TrainedEpoch) ? i : best),
    0,
  );
  const { key } = settingOf(facts, 'num_epochs', 'training.num_epochs');
  return listed('stop earlier:', [
    ...(lowest + 1 < epochs.length ? [`${key}=${lowest + 1}`] : []),
    ...setTo(settingOf(facts, 'early_stopping.enabled', 'training.early_stopping.enabled'), 'true'),
  ]);
};

/** Frozen backbones where some learn, small steps far from the heads, smaller heads where only those learn. */
const trainFewer: Remedy = (facts) => {
  const { vision, text } = freezes(facts);
  const open = [vision, text].filter(learns);
  const width = Number(facts.settings?.['model.embedding_dim'] ?? 0);
  return listed('train fewer weights:', [
    ...open.map(({ key }) => `${key}=true`),
    ...(open.length > 0 ? setLower(settingOf(facts, 'layer_decay', 'training.layer_decay'), 0.8) : []),
    ...(open.length === 0 && width >= smallestHalved ? [`model.embedding_dim=${width / 2}`] : []),
  ]);
};

const setLower = ({ key, value }: Setting, wanted: number) => (Number(value ?? 1) > wanted ? [`${key}=${wanted}`] : []);

/** Narrower heads than half of this hardly hold what the backbones say. */
const smallestHalved = 128;

const otherFusion: Remedy = (facts) => listed('another way of fusion:', unused(facts, { 'model.fusion': 'compare' }));

export const regularise: readonly Remedy[] = [
  morePosts,
  augment,
  moreDropout,
  decayAndSmooth,
  stopEarlier,
  trainFewer,
  otherFusion,
];
