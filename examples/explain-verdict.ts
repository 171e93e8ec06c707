// Says why a post got its verdict, without a service:
//   pnpm example examples/explain-verdict.ts artifact photo.jpg "The words of the post"
import { openClassifier } from '@crosscheck/inference';

const [artifact = 'artifact', image = '', text = ''] = process.argv.slice(2);

const classifier = await openClassifier(artifact);
const { prediction, picture, words, interaction, heatMap, wordWeights } = await classifier.explain({ text, image });
await classifier.close();

console.log(`${prediction.prediction}, probability of FAKE ${prediction.probabilityFake.toFixed(4)}`);

// Effects are differences of log-odds: positive speaks for FAKE, negative for REAL.
const signed = (effect: number) => `${effect < 0 ? '-' : '+'}${Math.abs(effect).toFixed(2)}`;
console.log(`picture ${signed(picture.contribution)}, words ${signed(words.contribution)}`);
console.log(`that the pair says beyond what its halves say alone: ${signed(interaction)}`);

console.log('\nword by word:');
for (const { word, weight } of wordWeights) console.log(`  ${signed(weight)}  ${word}`);

console.log('\nthe picture, from top left to bottom right (# speaks for FAKE, - for REAL):');
const strongest = Math.max(...heatMap.values.flat().map(Math.abs));
const shade = (value: number) => (Math.abs(value) < strongest / 3 ? '.' : value > 0 ? '#' : '-');
for (const row of heatMap.values) console.log(`  ${row.map(shade).join(' ')}`);
