type Weights = 'real' | 'random';

/** One thing that is changed in a training of the heads; without any, it is the default config. */
export interface HeadVariant {
  overrides?: readonly string[];
  vision?: Weights;
  text?: Weights;
  pooling?: 'cls' | 'mean';
  /** Augmented views of every picture that are shown in turn, the default's number without; 0 shows pictures as they are. */
  views?: number;
  /** Each feature less its mean over the training stamps, over their standard deviation. */
  isStandardized?: boolean;
}

/** What `training.feature_cache.views` is by default. */
export const usualViews = 2;
/** As many as a training has epochs: no view is seen twice. */
export const allViews = 10;

const random: HeadVariant = { vision: 'random', text: 'random' };

export const headVariants: Record<string, HeadVariant> = {
  default: {},
  'random backbones': random,
  'random backbones and standardised': { ...random, isStandardized: true },
  'random vision': { vision: 'random' },
  'random text': { text: 'random' },
  'text mean': { pooling: 'mean' },
  compare: { overrides: ['model.fusion=compare'] },
  gated: { overrides: ['model.fusion=gated'] },
  bilinear: { overrides: ['model.fusion=bilinear'] },
  'compare and text mean': { pooling: 'mean', overrides: ['model.fusion=compare'] },
  standardised: { isStandardized: true },
  'no dropout': { overrides: ['model.dropout_rate=0', 'model.projection_dropout=0'] },
  'dropout 0.5': { overrides: ['model.dropout_rate=0.5', 'model.projection_dropout=0.5'] },
  'no augmentation': { views: 0 },
  '1 view': { views: 1 },
  '4 views': { views: 4 },
  '8 views': { views: 8 },
  'a new view every epoch': { views: allViews },
};
