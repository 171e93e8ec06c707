import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fetchWhole } from '@crosscheck/testkit';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** A Chromium of this machine: `CHROMIUM_BIN`, else the first on the path; null when there is none. */
export function findChromium(): string | null {
  if (process.env.CHROMIUM_BIN) return process.env.CHROMIUM_BIN;
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.flatMap((dir) => names.map((name) => path.join(dir, name))).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Result = Record<string, unknown>;

/** One tab, driven over the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/ */
export interface Tab {
  send(method: string, params?: object): Promise<Result>;
  /** Runs an expression in the page, whatever its content security policy; waits for a promise. */
  evaluate<T>(expression: string): Promise<T>;
  /** Every URL that was asked for. */
  requested: string[];
  /** Console errors, exceptions and blocked resources. */
  complaints: string[];
  close(): Promise<void>;
}

interface Message {
  id?: number;
  method?: string;
  params?: Result;
  result?: Result;
  error?: { message: string };
}

/** Starts a browser without a window, its profile in `dir`, and opens `url`. */
export async function openTab(chromium: string, dir: string, url: string): Promise<Tab> {
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--hide-scrollbars'];
  const browser = spawn(
    chromium,
    [...flags, ...quiet, '--remote-debugging-port=0', `--user-data-dir=${dir}`, 'about:blank'],
    { stdio: 'ignore' },
  );
  const port = await readPort(`${dir}/DevToolsActivePort`);
  const targets = (await (await fetchWhole(`http://127.0.0.1:${port}/json/list`)).json()) as Target[];
  const page = targets.find(({ type }) => type === 'page') as Target;
  const tab = await connect(page.webSocketDebuggerUrl, async () => {
    const ended = once(browser, 'exit');
    browser.kill();
    await ended;
  });
  for (const domain of ['Page', 'Runtime', 'Network', 'Log', 'DOM']) await tab.send(`${domain}.enable`);
  await tab.send('Page.navigate', { url });
  return tab;
}

interface Target {
  type: string;
  webSocketDebuggerUrl: string;
}

async function readPort(file: string): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    if (existsSync(file)) {
      const [port = ''] = readFileSync(file, 'utf8').split('\n');
      if (port) return port;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the browser did not start');
}

async function connect(url: string, close: () => Promise<void>): Promise<Tab> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const waiting = new Map<number, (message: Message) => void>();
  const [requested, complaints]: [string[], string[]] = [[], []];
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else note(message, requested, complaints);
  });
  let last = 0;
  const send = async (method: string, params = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await new Promise<Message>((resolve) => waiting.set(id, resolve));
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  };
  return {
    send,
    requested,
    complaints,
    close,
    async evaluate<T>(expression: string) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await send('Runtime.evaluate', options);
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
  };
}

function note({ method, params }: Message, requested: string[], complaints: string[]): void {
  const text = JSON.stringify(params);
  if (method === 'Network.requestWillBeSent') requested.push((params as { request: { url: string } }).request.url);
  if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') complaints.push(text);
  if (method === 'Runtime.consoleAPICalled' && (params as { type: string }).type === 'error') complaints.push(text);
}
