import { messageOf } from '@crosscheck/contract';
import { openCheckpoint } from '@crosscheck/weights';
import { rewriteCheckpoint } from '../calibrate/rewrite-checkpoint.ts';

/**
 * Writes into a checkpoint what its ablations on validation showed, so that its model card can say whether it uses both inputs. A checkpoint that
 * cannot be written again stays as it is: the run has done its work.
 */
export async function recordAblations(
  file: string,
  figures: Readonly<Record<string, number>>,
  say: (line: string) => void,
): Promise<void> {
  const checkpoint = await openCheckpoint(file);
  try {
    const { metadata } = checkpoint;
    if (!metadata) return;
    // A card rounds to four places, and no p is 0.
    const kept = Object.entries(figures).filter(([name]) => !name.endsWith('_p'));
    const metrics = { ...metadata.metrics, ...Object.fromEntries(kept) };
    await rewriteCheckpoint(file, checkpoint, { ...metadata, metrics });
  } catch (error) {
    say(`the checkpoint does not say what its ablations showed: ${messageOf(error)}`);
  } finally {
    await checkpoint.close();
  }
}
