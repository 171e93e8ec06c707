// Checkpoints and artifacts of earlier versions, made inside of these by scripts/golden/earlier-versions.mjs.
import { readdirSync, readFileSync } from 'node:fs';
import { openClassifier, readArtifact, verifyHashes } from '@crosscheck/inference';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { exportArtifact } from '../src/index.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const earlier = `${import.meta.dirname}/golden/earlier`;

interface Golden {
  posts: { text: string; image: string }[];
  logits: Record<'fp32' | 'int8', number[]>;
}

/** Largest differences of logits: other processors add in another order, and round a few of int8's values to the neighbouring step. */
const allowed = { fp32: 1e-5, int8: 2e-3 };

async function expectAnswers(artifact: string, golden: string, precision: keyof typeof allowed): Promise<void> {
  const { posts, logits } = JSON.parse(readFileSync(`${golden}/answers.json`, 'utf8')) as Golden;
  const classifier = await openClassifier(artifact, { workers: 1 });
  try {
    const differences: number[] = [];
    for (const [i, { text, image }] of posts.entries()) {
      const [answer] = await classifier.classify([{ text, image: `${golden}/posts/${image}` }]);
      const logit = answer && 'logit' in answer ? answer.logit : Number.NaN;
      differences.push(Math.abs(logit - (logits[precision][i] as number)));
    }
    expect(differences).toHaveLength(4);
    expect(Math.max(...differences)).toBeLessThanOrEqual(allowed[precision]);
  } finally {
    await classifier.close();
  }
}

describe.each(readdirSync(earlier))('what version %s wrote', (commit) => {
  const golden = `${earlier}/${commit}`;

  test.each(['fp32', 'int8'] as const)('an artifact in %s is taken up and answers the same', async (precision) => {
    const opened = await readArtifact(`${golden}/${precision}`);
    await verifyHashes(opened);
    await expectAnswers(`${golden}/${precision}`, golden, precision);
  });

  test('a checkpoint is exported by this version and answers the same', async () => {
    const outputDir = `${folder.dir}/${commit}`;
    await exportArtifact({ checkpoint: `${golden}/checkpoint.safetensors`, outputDir });
    await expectAnswers(outputDir, golden, 'fp32');
  });
});
