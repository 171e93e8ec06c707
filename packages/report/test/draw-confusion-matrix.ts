import { renderConfusionMatrix } from '../src/index.ts';

process.stdout.write((await renderConfusionMatrix({ tn: 5, fp: 1, fn: 2, tp: 4 })).toString('base64'));
