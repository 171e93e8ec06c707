// Writes a checkpoint, its artifacts in fp32 and int8, some posts, and their logits. scripts/golden/earlier-versions.mjs runs it inside of earlier
// versions, so it imports only what they have.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openClassifier } from '@crosscheck/inference';
import { exportArtifact } from '../../src/index.ts';
import { writeTinyCheckpoint } from '../tiny-checkpoint.ts';
import { writePosts } from '../tiny-posts.ts';

const [out, workspace] = process.argv.slice(2) as [string, string];
mkdirSync(`${out}/posts`, { recursive: true });
const [calibration, comparison] = [writePosts(workspace, 'val'), writePosts(workspace, 'test')];
const posts = comparison.slice(0, 4).map(({ text, image }) => {
  copyFileSync(image, `${out}/posts/${path.basename(image)}`);
  return { text, image: path.basename(image) };
});
const checkpoint = `${out}/checkpoint.safetensors`;
await writeTinyCheckpoint(checkpoint);
const readPosts = async () => ({ calibration, comparison, evaluation: comparison });
const logits: Record<string, number[]> = {};
for (const precision of ['fp32', 'int8'] as const) {
  await exportArtifact({ checkpoint, outputDir: `${out}/${precision}`, precision, readPosts });
  const classifier = await openClassifier(`${out}/${precision}`, { workers: 1 });
  logits[precision] = [];
  for (const { text, image } of posts) {
    // One at a time: int8 of these versions gives a post in a batch another answer than the post alone.
    const [answer] = await classifier.classify([{ text, image: `${out}/posts/${image}` }]);
    logits[precision].push((answer as { logit: number }).logit);
  }
  await classifier.close();
}
writeFileSync(`${out}/answers.json`, `${JSON.stringify({ posts, logits }, null, 2)}\n`);
