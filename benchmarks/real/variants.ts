// What is compared: the same training with something else in it.

/** Overrides of the training that is called `real`, in the order of the table. */
export const variants = {
  real: [],
  random: ['model.vision.weights=null', 'model.text.weights=null'],
  'random-vision': ['model.vision.weights=null'],
  'random-text': ['model.text.weights=null'],
  'frozen-alone': ['~training.phases.finetune'],
  mean: ['model.text.pooling=mean'],
  'mean-frozen-alone': ['model.text.pooling=mean', '~training.phases.finetune'],
  compare: ['model.fusion=compare'],
  'compare-mean': ['model.fusion=compare', 'model.text.pooling=mean'],
  gated: ['model.fusion=gated'],
  bilinear: ['model.fusion=bilinear'],
  'no-augmentation': ['data.augmentation.enabled=false'],
  'no-dropout': ['model.dropout_rate=0', 'model.projection_dropout=0'],
  'more-dropout': ['model.dropout_rate=0.5', 'model.projection_dropout=0.5'],
} as const satisfies Record<string, readonly string[]>;

export type Variant = keyof typeof variants;
export const variantNames = Object.keys(variants) as Variant[];
