// Asks a running service with Node's own fetch:
//   node examples/call-service.mjs http://localhost:8000 photo.jpg "The words of the post"
import { openAsBlob } from 'node:fs';
import path from 'node:path';

const [service, picture, text] = process.argv.slice(2);

const form = new FormData();
form.set('text', text);
form.set('image', await openAsBlob(picture), path.basename(picture));

const response = await fetch(new URL('/predict', service), { method: 'POST', body: form });
const answer = await response.json();
if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(answer.detail)}`);

// { filename, prediction: 'REAL' | 'FAKE', probability_fake, confidence, label_id }
console.log(JSON.stringify(answer));
