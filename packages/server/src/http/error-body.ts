import { STATUS_CODES } from 'node:http';
import { answeredErrors, CrosscheckError, type ErrorCode, isCrosscheckError, messageOf } from '@crosscheck/contract';

/** One thing that is wrong with one field, in FastAPI's words. */
export interface FieldProblem {
  type:
    | 'missing'
    | 'extra_forbidden'
    | 'too_many'
    | 'string_type'
    | 'string_unicode'
    | 'string_too_long'
    | 'file_type'
    | 'value_error';
  loc: (string | number)[];
  msg: string;
  ctx?: Record<string, number>;
}

/** An error about fields; the list travels as its cause. */
export function fieldsInvalid(problems: FieldProblem[]): CrosscheckError {
  const message = problems.map(({ loc, msg }) => `${loc.slice(1).join('.') || 'body'}: ${msg}`).join('; ');
  return new CrosscheckError('CROSSCHECK_SERVER_FIELDS_INVALID', message, { cause: problems });
}

export function fieldProblemsOf({ code, cause }: CrosscheckError): FieldProblem[] | null {
  return code === 'CROSSCHECK_SERVER_FIELDS_INVALID' ? (cause as FieldProblem[]) : null;
}

/** Fastify's error body with `detail`, where FastAPI's clients look: a text, or for fields a list with their places. */
export interface ErrorBody {
  statusCode: number;
  code: string;
  error: string;
  message: string;
  detail: string | FieldProblem[];
}

const jsonType = 'application/json; charset=utf-8';
const reasons: Record<number, string | undefined> = { ...STATUS_CODES, 499: 'Client Closed Request' };

function errorBody(
  statusCode: number,
  code: string,
  message: string,
  detail: ErrorBody['detail'] = message,
): ErrorBody {
  return { statusCode, code, error: reasons[statusCode] ?? 'Error', message, detail };
}

/** What a client may know about an error: everything about its own mistakes, nothing about the service's inside. */
export function toErrorBody(error: unknown): ErrorBody {
  const answered = isCrosscheckError(error) ? rowOf(error.code) : undefined;
  if (isCrosscheckError(error) && answered !== undefined)
    return errorBody(answered.status, error.code, error.message, fieldProblemsOf(error) ?? error.message);
  const { statusCode, code = 'FST_ERR' } = error as { statusCode?: number; code?: string };
  if (statusCode !== undefined && statusCode < 500) return errorBody(statusCode, code, messageOf(error));
  const { status, example } = answeredErrors.CROSSCHECK_SERVER_INTERNAL;
  return errorBody(status, 'CROSSCHECK_SERVER_INTERNAL', example);
}

const rowOf = (code: ErrorCode): { status: number } | undefined =>
  (answeredErrors as Partial<Record<ErrorCode, { status: number }>>)[code];

/** The same as a raw HTTP/1.1 answer, for requests that never became one. */
export function toRawAnswer(body: ErrorBody): string {
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${body.statusCode} ${body.error}`,
    'Connection: close',
    `Content-Type: ${jsonType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n');
}

const inferenceProtocol = /^\/v2(?:[/?]|$)/;

/** Status and body as the Open Inference Protocol has them: a problem with a field is 400. */
export function toProtocolError({ statusCode, message }: ErrorBody): { status: number; body: { error: string } } {
  return { status: statusCode === 422 ? 400 : statusCode, body: { error: message } };
}

/** What goes to the client that asked for `url`: this body, or the one that clients of the Open Inference Protocol read. */
export function encodeError(body: ErrorBody, url: string): { status: number; type: string; bytes: Buffer } {
  if (!inferenceProtocol.test(url))
    return { status: body.statusCode, type: jsonType, bytes: Buffer.from(JSON.stringify(body)) };
  const answer = toProtocolError(body);
  // KServe's client reads the reason only where no charset stands beside the type.
  return { status: answer.status, type: 'application/json', bytes: Buffer.from(JSON.stringify(answer.body)) };
}
