import { existsSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePosts, testFolder } from './support/posts.ts';
import { bestCheckpoint, stepLosses } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
beforeAll(() => makePosts(posts));
afterAll(remove);

// Whole trainings: on a busy machine that adds up.
describe('training with model.fusion', { timeout: 180_000 }, () => {
  const frozen = ['model.freeze_vision=true', 'model.freeze_text=true', 'data.augmentation.enabled=false'];

  it.each(['gated', 'bilinear', 'cross_attention'])(
    '%s goes through both phases and leaves its layers in the checkpoint',
    async (fusion) => {
      const into = testFolder();
      const phases =
        'training.phases={a:{num_epochs:1,freeze_vision:true,freeze_text:true,augmentation:false},b:{num_epochs:1}}';
      const recipe = [
        `model.fusion=${fusion}`,
        'model.missing_modality=learned',
        'training.modality_dropout.text=0.3',
        phases,
      ];
      const run = await trainHere([...shortRun(posts, into), ...recipe], { dir: into });
      expect(stepLosses(run.runDir)).toHaveLength(8);
      expect(stepLosses(run.runDir).every((loss) => Number.isFinite(loss))).toBe(true);
      const checkpoint = await openSafetensors(bestCheckpoint(run.checkpointDir));
      expect([...checkpoint.tensors.keys()].some((name) => name.startsWith(`fusion.${fusion}.`))).toBe(true);
      await checkpoint.close();
    },
  );

  it('cross_attention learns the same from features that are computed once, and ends with a report of its ablations', async () => {
    const [a, b] = [testFolder(), testFolder()];
    const recipe = ['training.num_epochs=2', ...frozen, 'model.fusion=cross_attention', 'training.report=true'];
    const kept = await trainHere([...shortRun(posts, a), ...recipe], { dir: a });
    expect(kept.output).toContain('on features computed once');
    expect(existsSync(path.join(kept.runDir, 'report.html'))).toBe(true);
    const every = ['training.feature_cache.enabled=false'];
    const recomputed = await trainHere([...shortRun(posts, b), ...recipe, ...every], { dir: b });
    expect(recomputed.output).not.toContain('on features computed once');
    const [first, second] = [stepLosses(kept.runDir), stepLosses(recomputed.runDir)] as [number[], number[]];
    expect(first).toHaveLength(8);
    for (const [i, loss] of first.entries()) expect(Math.abs(loss - (second[i] as number))).toBeLessThan(1e-4);
  });

  it('cross_attention needs a width that its heads divide', () => {
    const overrides = ['model=tiny', 'model.fusion=cross_attention', 'model.embedding_dim=20'];
    const compose = () => composeConfig({ configName: 'config', schema: trainConfigSchema, overrides });
    expect(compose).toThrow(/8 heads, which must divide embedding_dim, got 20/);
  });
});
