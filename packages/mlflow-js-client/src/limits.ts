import { MlflowError } from './errors.ts';

/** What MLflow accepts (mlflow/utils/validation.py). */
export const LIMITS = {
  metricsPerBatch: 1000,
  paramsPerBatch: 100,
  tagsPerBatch: 100,
  itemsPerBatch: 1000,
  batchBytes: 1_000_000,
  keyChars: 250,
  paramValueChars: 6000,
  tagValueChars: 8000,
  experimentNameChars: 500,
  datasetNameChars: 500,
  datasetDigestChars: 36,
} as const;

const LEGAL_KEY = /^[A-Za-z0-9_\-. :/]+$/;

/** Says why MLflow would refuse a metric or param key; null when it is legal. */
export function explainKey(key: string): string | null {
  if (key === '') return 'is empty';
  if (key.length > LIMITS.keyChars) return `has ${key.length} characters, at most ${LIMITS.keyChars} are allowed`;
  if (!LEGAL_KEY.test(key)) return 'may hold only letters and digits of ASCII, _ - . : / and spaces';
  if (isOddPath(key)) return 'must read as a plain relative path: no "..", no "//", no "/" at either end';
  return null;
}

/** Throws INVALID_PARAMETER_VALUE, naming a legal spelling, for a metric or param key that MLflow refuses. */
export function checkKey(key: string, what: 'metric' | 'param'): void {
  const reason = explainKey(key);
  if (reason === null) return;
  const message = `${what} key "${key}" ${reason}; "${sanitizeKey(key)}" would do (see sanitizeKey)`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}

/**
 * Turns any text into a legal metric or param key; legal keys stay as they are.
 *
 * Accents are dropped, `%` becomes `percent`, everything else that MLflow refuses becomes `_`.
 *
 * @example sanitizeKey('précision #1?') // 'precision _1_'
 */
export function sanitizeKey(key: string): string {
  if (explainKey(key) === null) return key;
  const plain = key
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll('%', 'percent')
    .replaceAll(/[^A-Za-z0-9_\-. :/]/gu, '_')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (/^\.+$/.test(part) ? '_' : part))
    .join('/')
    .slice(0, LIMITS.keyChars);
  return plain.replace(/\/+$/, '') || '_';
}

function isOddPath(key: string): boolean {
  return key.split('/').some((part) => part === '' || part === '.' || part === '..');
}

/**
 * Writes a param value as text: strings as they are, numbers and booleans as JavaScript prints them,
 * null and undefined as `null`, dates as ISO, arrays and objects as JSON.
 */
export function formatParam(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'null';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value as number | boolean | bigint | symbol);
}

/** Cuts text to a number of characters and says at its end how many are missing; shorter text stays as it is. */
export function truncateValue(value: string, maxChars: number): string {
  if (value.length <= maxChars) return value;
  const mark = (kept: number) => `… (${value.length - kept} more characters)`;
  const kept = maxChars - mark(0).length;
  // Half of a surrogate pair is not text.
  const end = /[\uD800-\uDBFF]/.test(value[kept - 1] ?? '') ? kept - 1 : kept;
  return value.slice(0, end) + mark(end);
}

/** A metric value as JSON can carry it: NaN and infinities as MLflow's texts. */
export function encodeMetricValue(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
