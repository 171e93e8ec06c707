import { textPrefix } from './bert.ts';
import { visionPrefix } from './efficientnet.ts';

/** Which backbones stay as they are; the projections and the fusion always learn. */
export interface Freeze {
  vision: boolean;
  text: boolean;
}

export const nothingFrozen: Freeze = { vision: false, text: false };

/** True for a parameter of a backbone that is frozen. */
export function isFrozen(name: string, freeze: Freeze): boolean {
  return (freeze.vision && name.startsWith(visionPrefix)) || (freeze.text && name.startsWith(textPrefix));
}
