import { concat } from '../layers/arithmetic.ts';
import type { Fusion } from './fusion.ts';

/** Side by side, as in the original: [v; t], [B, 2E]. */
export const sideBySide: Fusion = { of: 'vectors', join: ({ image, text }) => concat([image, text], 'fusion') };
