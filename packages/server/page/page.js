// The page at /: asks POST /explain; answer.js draws what comes back.
import { show } from './answer.js';

const $ = (id) => document.getElementById(id);
const [form, input, drop, status, button] = ['form', 'image', 'drop', 'status', 'ask'].map($);
let isAsking = false;

function say(text, isBad = false) {
  status.textContent = text;
  status.classList.toggle('bad', isBad);
}

/** A picture that the browser cannot show (TIFF) is named instead. */
function choose(file) {
  const picture = $('chosen');
  URL.revokeObjectURL(picture.src);
  picture.hidden = false;
  picture.onerror = () => (picture.hidden = true);
  picture.src = URL.createObjectURL(file);
  $('hint').textContent = file.name;
}

input.addEventListener('change', () => input.files[0] && choose(input.files[0]));
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', kind === 'dragenter' || kind === 'dragover');
    if (kind !== 'drop' || event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    choose(input.files[0]);
  });
}
$('show-heat').addEventListener('change', ({ target }) => ($('heat').hidden = !target.checked));

for (const example of document.querySelectorAll('[data-picture]')) {
  example.addEventListener('click', () => void takeExample(example));
}

async function takeExample(example) {
  const name = `${example.dataset.picture}.jpg`;
  const picture = await (await fetch(`page/examples/${name}`)).blob();
  const files = new DataTransfer();
  files.items.add(new File([picture], name, { type: picture.type }));
  input.files = files.files;
  choose(files.files[0]);
  $('text').value = example.querySelector('.words').textContent;
  form.requestSubmit();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!isAsking) void ask();
});

async function ask() {
  const [file] = input.files;
  const text = $('text').value;
  if (!file && text.trim() === '') {
    say('Choose a picture first.', true);
    input.focus();
    return;
  }
  setAsking(true);
  offerDesk(null);
  say('Judging, and looking what weighed …');
  try {
    show(await explain(file, text), { file, text });
    say('');
  } catch (error) {
    say(error.message, true);
  } finally {
    setAsking(false);
  }
}

function setAsking(asking) {
  isAsking = asking;
  button.setAttribute('aria-disabled', String(asking));
  form.setAttribute('aria-busy', String(asking));
}

/** Verdict and reasons; where the service gives no reasons, the verdict. */
async function explain(file, text) {
  const response = await send('explain', file, text);
  return readAnswer(response.status === 404 ? await send('predict', file, text) : response);
}

async function send(route, file, text) {
  const body = new FormData();
  body.append('text', text);
  if (file) body.append('image', file, file.name);
  const key = $('key').value;
  return fetch(route, { method: 'POST', body, headers: key ? { 'x-api-key': key } : {} }).catch(() => {
    throw new Error('The service cannot be reached. Is it running?');
  });
}

async function readAnswer(response) {
  const answer = await response.json().catch(() => ({}));
  if (response.ok) {
    offerDesk(response.headers.get('x-feedback') && response.headers.get('x-request-id'));
    return answer;
  }
  if (response.status === 401) {
    $('key-field').hidden = false;
    $('key').focus();
  }
  throw new Error(answer.message ?? `The service answered ${response.status}.`);
}

/** Of the answer that is shown; null where the service keeps no feedback. */
let spokenOf = null;

function offerDesk(requestId) {
  spokenOf = requestId;
  $('desk').hidden = !requestId;
  $('desk-status').textContent = '';
}

for (const says of document.querySelectorAll('[data-says]'))
  says.addEventListener('click', () => void sayOfDesk(says.dataset.says));

async function sayOfDesk(label) {
  const key = $('key').value;
  const headers = { 'content-type': 'application/json', ...(key && { 'x-api-key': key }) };
  const body = JSON.stringify({ request_id: spokenOf, label });
  const response = await fetch('feedback', { method: 'POST', headers, body }).catch(() => null);
  const { message = 'The service cannot be reached.' } = (await response?.json().catch(() => ({}))) ?? {};
  $('desk-status').textContent = response?.ok ? 'Kept. Another click replaces it.' : message;
}
