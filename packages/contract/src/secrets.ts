const hidden = '***';

/** The last part of keys whose values nobody may read. */
const secretName =
  /(?:^|[._-])(?:password|passwd|secret|token|api_?key|access_?key|secret_?key|credentials?|signature)$/i;

const declared = new Set<string>();

/** From now on this name is one of a secret: a schema says so of its keys. */
export function declareSecretName(name: string): void {
  declared.add(name.toLowerCase());
}

/** True for names such as `serve.api_key`, `access_token`, `X-Amz-Signature`. */
export const isSecretName = (name: string): boolean =>
  secretName.test(name) || declared.has((/[^.]*$/.exec(name)?.[0] ?? name).toLowerCase());

const userOfUri = /\b([a-z][\w+.-]*:\/\/)[^\s/'"`<>]*@/gi;
const named =
  /([\w.-]*?(?:password|passwd|secret|token|api_?key|access_?key|credentials?|signature))=('[^']*'|"[^"]*"|[^\s&,;'"`})\]]+)/gi;

/** Secrets of this process, the longest first. They are looked for in texts for people only: a common word may be a password. */
let known: string[] = [];
const shortest = 4;
/** Switches such as `X_TOKEN=enabled` are common there. */
const shortestOfEnvironment = 8;

/** From now on `hideSecrets` knows this text. */
export function rememberSecret(secret: string): void {
  if (secret.length < shortest || known.includes(secret)) return;
  known = [...known, secret].sort((a, b) => b.length - a.length);
}

/** The user and password of every URI in a text, and values that are named as secrets. */
export function findSecrets(text: string): string[] {
  const users = [...text.matchAll(userOfUri)].flatMap(([all, scheme = '']) => {
    const user = all.slice(scheme.length, -1);
    const password = user.slice(user.indexOf(':') + 1);
    return [password, decoded(password)];
  });
  return [...users, ...[...text.matchAll(named)].map(([, , value = '']) => value)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a process was given: secrets in its arguments, and variables of its environment that are named as such. */
export function rememberGiven(args: readonly string[], env: Readonly<Record<string, string | undefined>>): void {
  for (const text of [...args, ...Object.values(env)])
    for (const secret of findSecrets(text ?? '')) rememberSecret(secret);
  for (const [name, value = ''] of Object.entries(env))
    if (isSecretName(name) && value.length >= shortestOfEnvironment) rememberSecret(value);
}

/** A value of a config as it may be shown: `http://***@host`, `?token=***`. Other texts come back as they are. */
export function hideInValue(text: string): string {
  return text.replace(userOfUri, `$1${hidden}@`).replace(named, `$1=${hidden}`);
}

/** A text for people, without what is secret: also where a secret stands alone. */
export function hideSecrets(text: string): string {
  return known.reduce((shown, secret) => shown.replaceAll(secret, hidden), hideInValue(text));
}

/** The same tree with every secret value hidden; keys stay. */
export function withoutSecrets<T>(value: T, key: string = ''): T {
  if (typeof value === 'string') return (isSecretName(key) ? hidden : hideInValue(value)) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutSecrets(item, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutSecrets(member, name)])) as T;
}

/** True for a value that was hidden when it was written. */
export const isHidden = (value: unknown): boolean => typeof value === 'string' && value.includes(hidden);
