import { MlflowError } from '../errors.ts';

// What MLflow itself uses for these statuses (mlflow/exceptions.py), for answers that a proxy or a login page wrote.
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'ENDPOINT_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  501: 'NOT_IMPLEMENTED',
  503: 'TEMPORARILY_UNAVAILABLE',
};

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/invalid host header/i, 'start the server with --allowed-hosts naming this host'],
  [
    /not authenticated|unauthorized/i,
    'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN',
  ],
];

/** Turns an answer that is not 2xx into an error that keeps MLflow's code and words. */
export function readServerError(answer: { status: number; body: string; request: string }): MlflowError {
  const { status, body, request } = answer;
  const parsed = parseErrorBody(body);
  const errorCode = parsed.error_code ?? CODE_OF_STATUS[status] ?? `HTTP_${status}`;
  const words = parsed.message ?? summarise(body);
  const advice = ADVICE.find(([pattern]) => pattern.test(words))?.[1];
  const message = `${request} answered ${status} ${errorCode}: ${words}${advice ? `; ${advice}` : ''}`;
  return new MlflowError(errorCode, message, { status, request });
}

function parseErrorBody(body: string): { error_code?: string; message?: string } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as { error_code?: string; message?: string }) : {};
  } catch {
    return {};
  }
}

function summarise(body: string): string {
  const words = body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return words.slice(0, 500) || '(empty answer)';
}
