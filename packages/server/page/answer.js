// Draws an answer of POST /explain.
const $ = (id) => document.getElementById(id);
const colours = { FAKE: [213, 94, 0], REAL: [0, 114, 178] }; // Okabe and Ito

const sideOf = (effect) => (effect > 0 ? 'FAKE' : 'REAL');
const percent = (value) => `${Math.round(100 * value)}\u00a0%`;
/** No verdict is certain. */
const sureness = (value) => (value > 0.99 ? 'over 99\u00a0%' : percent(value));
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const judged = ({ prediction, confidence }) => `${prediction} (${sureness(confidence)})`;

/** Fills the result with the answer for a picture and its words, and moves the reader there. */
export function show(answer, { file, text }) {
  showVerdict(answer);
  $('reasons').hidden = !answer.picture;
  if (answer.picture) showReasons(answer, { file, text });
  $('empty').hidden = true;
  $('result').hidden = false;
  $('verdict').focus({ preventScroll: true });
  $('result').scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}

function showReasons(answer, { file, text }) {
  showShares(answer);
  showPicture(answer.heat_map, file);
  $('picture-part').hidden = !file;
  showWords(answer.words, text);
}

function showVerdict({ prediction, confidence, probability_fake: probability }) {
  $('label').textContent = prediction;
  $('sure').textContent = `with ${sureness(confidence)} confidence`;
  $('verdict').parentElement.className = `verdict ${prediction.toLowerCase()}`;
  $('needle').style.left = `${100 * probability}%`;
  $('meter').setAttribute('aria-label', `Probability of FAKE: ${percent(probability)}`);
}

/** Of posts that lack a part, which only some models take. */
const alone = {
  text: 'Judged by the words alone: the post came without a picture.',
  image: 'Judged by the picture alone: the post came without words.',
};

function showShares({ picture, text, interaction, neither, modalities }) {
  const largest = Math.max(...[picture, text].map(({ contribution }) => Math.abs(contribution))) || 1;
  $('bars').replaceChildren(bar('Picture', picture, largest), bar('Words', text, largest));
  if (modalities) {
    $('sentence').textContent = alone[modalities[0]];
    return;
  }
  const together = `${Math.abs(interaction).toFixed(2)} for ${sideOf(interaction)}`;
  $('sentence').textContent =
    `Of an empty post it would say ${judged(neither)}; of the picture alone ${judged(picture.alone)}, of the words alone ${judged(text.alone)}. What the two say only together adds ${together}.`;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function bar(name, { share, contribution }, largest) {
  const fill = element('div', `fill ${sideOf(contribution).toLowerCase()}`);
  fill.style.width = `${(48 * Math.abs(contribution)) / largest}%`;
  const track = element('div', 'track', fill);
  return element(
    'div',
    'bar',
    element('span', '', name),
    track,
    element('span', 'small', `${percent(share)}, for ${sideOf(contribution)}`),
  );
}

function showPicture({ rows, columns, values }, file) {
  if (!file) return;
  URL.revokeObjectURL($('preview').src);
  $('preview').src = URL.createObjectURL(file);
  const flat = values.flat();
  const largest = Math.max(...flat.map(Math.abs)) || 1;
  const opacity = (value) => Math.round(190 * (Math.abs(value) / largest));
  const pixels = flat.flatMap((value) => [...colours[sideOf(value)], opacity(value)]);
  const heat = $('heat');
  Object.assign(heat, { width: columns, height: rows });
  heat.getContext('2d').putImageData(new ImageData(Uint8ClampedArray.from(pixels), columns, rows), 0, 0);
  const strongest = flat.findIndex((value) => Math.abs(value) === largest);
  $('picture-caption').textContent =
    strongest < 0
      ? 'No part of the picture weighed.'
      : `Strongest: ${placeOf(strongest, rows, columns)}, for ${sideOf(flat[strongest])}.`;
}

function placeOf(cell, rows, columns) {
  const third = (index, count, names) => names[Math.min(2, Math.floor((3 * index) / count))];
  const vertical = third(Math.floor(cell / columns), rows, ['top', 'middle', 'bottom']);
  return `${vertical} ${third(cell % columns, columns, ['left', 'centre', 'right'])}`;
}

function showWords(words, text) {
  const largest = Math.max(...words.map(({ weight }) => Math.abs(weight)), 1e-9);
  const parts = [];
  let at = 0;
  for (const { start, end, weight } of words) {
    const mark = element('mark', '', text.slice(start, end));
    mark.style.backgroundColor = `rgb(${colours[sideOf(weight)].join(' ')} / ${(0.5 * Math.abs(weight)) / largest})`;
    mark.title = `${signed(weight)}, for ${sideOf(weight)}`;
    parts.push(text.slice(at, start), mark);
    at = end;
  }
  parts.push(text.slice(at));
  $('words').replaceChildren(...(words.length > 0 ? parts : ['There were no words to weigh.']));
  const sorted = words.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  $('rows').replaceChildren(
    ...sorted.map(({ word, weight }) =>
      element('tr', '', ...[word, sideOf(weight), signed(weight)].map((cell) => element('td', '', cell))),
    ),
  );
}
