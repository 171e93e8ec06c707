/** A tensor of whatever runs the network. */
export interface Tensor {
  readonly shape: readonly number[];
}

/** Where the tokens of a batch stand: T rows of features, those of the tokens that are computed. */
export interface Tokens {
  /** Samples, B, and places of each, L. */
  readonly size: number;
  readonly length: number;
  readonly ids: Tensor; // [T]
  readonly positions: Tensor; // [T]
  /** Among the T rows, the first of each sample: [CLS]. */
  readonly firstRows: Tensor; // [B]
  /** T */
  readonly count: number;
  /** Added to attention scores: 0 on tokens, −10⁹ on padding. */
  readonly bias: Tensor; // [B, 1, 1, L]
}

/** A convolution without bias. */
export interface Convolution {
  kernel: number;
  stride: number;
  /** `symmetric`: (k − 1) / 2 on every side; `same`: TensorFlow's, ⌈n / s⌉ outputs, the end padded first. */
  padding: 'symmetric' | 'same';
  /** One filter per channel. */
  isDepthwise: boolean;
}

export interface Norm {
  /** Of its parameters, `<name>.weight` and so on. */
  name: string;
  epsilon: number;
}

export interface Attention {
  heads: number;
  /** Dropout of the weights, and the name of its masks. */
  rate: number;
  site: string;
  /** `first`: only the first token of each sample asks. */
  rows: 'all' | 'first';
}

export interface Dropout {
  rate: number;
  /** Names the place: each has its own masks. */
  site: string;
  /** `tokens` and `first`: x holds rows of tokens, of a mask for all B · L places; `samples`: each is dropped as a whole. */
  of: 'elements' | 'tokens' | 'first' | 'samples';
}

/** Features of all heads side by side; N rows ask: all T, or the first of each sample. */
export interface AttentionRows {
  query: Tensor; // [N, H]
  key: Tensor; // [T, H]
  value: Tensor; // [T, H]
}

/** A result, and what its gradient needs of how it came about. */
export interface Kept {
  y: Tensor;
  kept?: object;
}

/**
 * What layers compute with on the way forward. An engine implements it; results are new tensors, inputs stay as they are. Tensors that a layer
 * neither returns nor keeps are freed by whoever runs it.
 */
export interface ForwardOps {
  /** A parameter or running statistic by its checkpoint name, as it is held for computing. */
  weight(name: string): Tensor;
  readonly tokens: Tokens;
  /** Marks of presence of a part of each post, [B]; null where all have it. */
  presence(part: 'image' | 'text'): Float32Array | null;
  constant(values: Float32Array, shape: readonly number[]): Tensor;

  // Element by element, axes of size 1 repeated.
  add(a: Tensor, b: Tensor): Tensor;
  subtract(a: Tensor, b: Tensor): Tensor;
  multiply(a: Tensor, b: Tensor): Tensor;
  scale(x: Tensor, factor: number): Tensor;
  shift(x: Tensor, offset: number): Tensor;
  abs(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  relu6(x: Tensor): Tensor;
  silu(x: Tensor): Tensor;
  gelu(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  /** The same tensor under a second handle. */
  view(x: Tensor): Tensor;

  // Matrices, over the last two axes.
  product(a: Tensor, b: Tensor, transposed?: 'left' | 'right'): Tensor;
  /** x [N, C] + bias [C] */
  addBias(x: Tensor, bias: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  /** Along the last axis. */
  concat(parts: readonly Tensor[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  /** First and mean of the rows of each sample, [B, N, E] → [B, E] */
  firstRow(x: Tensor): Tensor;
  meanOfRows(x: Tensor): Tensor;
  gatherRows(x: Tensor, rows: Tensor): Tensor;
  /** [B, K, E] ↔ [B, A, K, E / A] */
  splitHeads(x: Tensor, heads: number): Tensor;
  mergeHeads(x: Tensor): Tensor;

  // Maps, [B, H, W, C].
  convolution(x: Tensor, filter: Tensor, options: Convolution): Tensor;
  /** Over the batch's own statistics in training, which move the running ones; over those otherwise. */
  batchNorm(x: Tensor, norm: Norm): Kept;
  mapMean(x: Tensor): Tensor; // [B, C]
  /** x times one number for each of its maps, [B, C] */
  scaleMaps(x: Tensor, factors: Tensor): Tensor;

  // Rows of features.
  layerNorm(x: Tensor, norm: Norm): Kept;
  /** Between the projections, head by head, over the tokens of each sample. */
  attention(rows: AttentionRows, options: Attention): Kept;
  /** Rows of tokens [T, H] → [B, L, H], zeros where nothing is computed. */
  spreadTokens(x: Tensor): Tensor;
  /** Mean over the tokens of each sample, without padding: [T, H] → [B, H]; zeros for a text without any. */
  meanOfTokens(x: Tensor): Tensor;

  /** In training only. */
  dropout(x: Tensor, options: Dropout): Kept;
}

/** The same, and what gradients are made of. */
export interface Ops extends ForwardOps {
  /** Takes the gradient of a parameter; it is computed only if somebody asked for it. */
  learn(name: string, gradient: () => Tensor): void;

  /** From the function's value y … */
  reluGradient(y: Tensor, dy: Tensor): Tensor;
  relu6Gradient(y: Tensor, dy: Tensor): Tensor;
  sigmoidGradient(y: Tensor, dy: Tensor): Tensor;
  tanhGradient(y: Tensor, dy: Tensor): Tensor;
  softmaxGradient(y: Tensor, dy: Tensor): Tensor;
  /** … or from its argument x. */
  siluGradient(x: Tensor, dy: Tensor): Tensor;
  geluGradient(x: Tensor, dy: Tensor): Tensor;
  sign(x: Tensor): Tensor;

  /** The reverse of `concat`. */
  split(x: Tensor, sizes: readonly number[]): Tensor[];
  /** Sums all axes but the last: [.., C] → [C] */
  columnSum(x: Tensor): Tensor;
  firstRowGradient(x: Tensor, dy: Tensor): Tensor;
  meanOfRowsGradient(x: Tensor, dy: Tensor): Tensor;
  /** The reverse of `gatherRows`: x [M, H] is added at `rows` [M] of zeros → [count, H] */
  scatterRows(x: Tensor, rows: Tensor, count: number): Tensor;

  convolutionInputGradient(x: Tensor, filter: Tensor, dy: Tensor, options: Convolution): Tensor;
  convolutionFilterGradient(x: Tensor, filter: Tensor, dy: Tensor, options: Convolution): Tensor;
  batchNormGradient(x: Tensor, norm: Norm, kept: object, dy: Tensor): Tensor;
  mapMeanGradient(x: Tensor, dy: Tensor): Tensor;
  /** Σ a · b over each map, [B, C] */
  mapProducts(a: Tensor, b: Tensor): Tensor;

  layerNormAgain(x: Tensor, norm: Norm, kept: object): Tensor;
  layerNormGradient(x: Tensor, norm: Norm, kept: object, dy: Tensor): Tensor;
  attentionGradient(kept: object, options: Attention, dy: Tensor): AttentionRows;
  gatherTokens(x: Tensor): Tensor;
  meanOfTokensGradient(dy: Tensor): Tensor; // [T, H]
  /** `kept` is the mask, where there is one. */
  dropoutGradient(dy: Tensor, options: Dropout, kept: object | undefined): Tensor;
}
