// The page at /: asks POST /explain and draws the answer.
const $ = (id) => document.getElementById(id);
const [form, input, drop, status, button] = ['form', 'image', 'drop', 'status', 'ask'].map($);
const colours = { FAKE: [213, 94, 0], REAL: [0, 114, 178] }; // Okabe and Ito
let preview = null;
let isAsking = false;

const sideOf = (effect) => (effect > 0 ? 'FAKE' : 'REAL');
const width = (share) => `${100 * share}%`;
const percent = (value) => `${Math.round(100 * value)}\u00a0%`;
/** No verdict is certain. */
const sureness = (value) => (value > 0.99 ? `over 99\u00a0%` : percent(value));
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

function say(text, isBad = false) {
  status.textContent = text;
  status.classList.toggle('bad', isBad);
}

function choose(file) {
  if (preview) URL.revokeObjectURL(preview);
  preview = URL.createObjectURL(file);
  $('chosen').textContent = file.name;
  $('hint').hidden = true;
}

input.addEventListener('change', () => input.files[0] && choose(input.files[0]));
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', kind.startsWith('drage') || kind === 'dragover');
    if (kind !== 'drop' || event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    choose(input.files[0]);
  });
}
$('show-heat').addEventListener('change', (event) => ($('heat').hidden = !event.target.checked));

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!isAsking) void ask();
});

async function ask() {
  const [file] = input.files;
  if (!file) {
    say('Choose a picture first.', true);
    input.focus();
    return;
  }
  setAsking(true);
  say('Judging, and looking what weighed …');
  try {
    show(await explain(file, $('text').value), $('text').value);
    say('Done.');
  } catch (error) {
    say(error.message, true);
  } finally {
    setAsking(false);
  }
}

function setAsking(asking) {
  isAsking = asking;
  button.setAttribute('aria-disabled', String(asking));
}

async function explain(file, text) {
  const body = new FormData();
  body.append('text', text);
  body.append('image', file, file.name);
  const key = $('key').value;
  const response = await fetch('/explain', { method: 'POST', body, headers: key ? { 'x-api-key': key } : {} }).catch(
    () => {
      throw new Error('The service cannot be reached. Is it running?');
    },
  );
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401) {
    $('key-field').hidden = false;
    $('key').focus();
  }
  throw new Error(answer.message ?? `The service answered ${response.status}.`);
}

function show(answer, text) {
  const label = answer.prediction;
  const verdict = $('verdict');
  verdict.textContent = `${label}, with ${sureness(answer.confidence)} confidence`;
  verdict.className = label.toLowerCase();
  $('needle').style.left = width(answer.probability_fake);
  $('meter').setAttribute('aria-label', `Probability of FAKE: ${percent(answer.probability_fake)}`);
  $('sentence').textContent =
    `The picture alone would be ${judged(answer.picture.alone)}, the words alone ${judged(answer.text.alone)}.`;
  $('bars').replaceChildren(bar('Picture', answer.picture), bar('Words', answer.text));
  $('together').textContent =
    `Beyond what each says alone, the two together add ${signed(answer.interaction)} (${sideOf(answer.interaction)}).`;
  showPicture(answer.heat_map);
  showWords(answer.words, text);
  $('result').hidden = false;
  verdict.focus();
}

const judged = ({ prediction, confidence }) => `${prediction} (${sureness(confidence)})`;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function bar(name, { share, contribution }) {
  const row = element('div', 'bar');
  const fill = element('div', `fill ${sideOf(contribution).toLowerCase()}`);
  fill.style.width = width(share);
  const track = element('div', 'track');
  track.append(fill);
  row.append(element('span', '', name), track, element('span', '', `${percent(share)}, for ${sideOf(contribution)}`));
  return row;
}

function showPicture({ rows, columns, values }) {
  $('preview').src = preview;
  $('preview').alt = 'The picture of the post';
  const heat = $('heat');
  heat.width = columns;
  heat.height = rows;
  const flat = values.flat();
  const largest = Math.max(...flat.map(Math.abs)) || 1;
  const pixels = flat.flatMap((value) => [...colours[sideOf(value)], Math.round((190 * Math.abs(value)) / largest)]);
  heat.getContext('2d').putImageData(new ImageData(Uint8ClampedArray.from(pixels), columns, rows), 0, 0);
  const strongest = flat.findIndex((value) => Math.abs(value) === largest);
  const where = strongest < 0 ? 'nowhere' : placeOf(strongest, rows, columns);
  $('picture-caption').textContent =
    `Orange speaks for FAKE, blue for REAL. Strongest: ${where}, for ${sideOf(flat[strongest] ?? 0)}.`;
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
    mark.style.backgroundColor = `rgb(${colours[sideOf(weight)].join(' ')} / ${(0.55 * Math.abs(weight)) / largest})`;
    mark.title = `${signed(weight)}, for ${sideOf(weight)}`;
    parts.push(text.slice(at, start), mark);
    at = end;
  }
  parts.push(text.slice(at));
  $('words').replaceChildren(...(words.length > 0 ? parts : ['There were no words to weigh.']));
  $('rows').replaceChildren(...words.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).map(toRow));
}

function toRow({ word, weight }) {
  const row = element('tr');
  row.append(element('td', '', word), element('td', '', sideOf(weight)), element('td', '', signed(weight)));
  return row;
}
