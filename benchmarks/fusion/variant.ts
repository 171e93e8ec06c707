// One training of its own process: node fusion/variant.ts FOLDER FUSION SIGHT RECIPE; answers with the accuracy as JSON.
import type { Architecture } from '@crosscheck/contract';
import { type Recipe, type Sight, trainAndJudge } from './train.ts';

const [folder = '', fusion, sight, recipe = '{}'] = process.argv.slice(2);
const variant = { fusion: fusion as Architecture['fusion'], sight: sight as Sight };
const accuracy = await trainAndJudge(folder, variant, JSON.parse(recipe) as Recipe);
process.stdout.write(`${JSON.stringify(accuracy)}\n`);
