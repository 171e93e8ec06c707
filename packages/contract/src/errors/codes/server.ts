import type { ErrorRow } from '../error-row.ts';

/** Codes of server. */
export const serverErrors = {
  CROSSCHECK_SERVER_PORT_IN_USE: {
    meaning: 'the service cannot start because another process listens on its port',
    remedy: 'stop that process, or set `serve.port`',
  },
  CROSSCHECK_SERVER_ADDRESS_UNUSABLE: {
    meaning: 'the host or port cannot be listened on',
    remedy: 'set `serve.host` or `serve.port`; the message has the reason',
  },
  CROSSCHECK_FETCH_OFF: {
    meaning: '`image_url` was sent where `serve.fetch.hosts` lists no host',
    remedy: 'send the image itself, or list its host',
    status: 422,
    example: 'image_url is off here (serve.fetch.hosts is empty); send the image itself',
  },
  CROSSCHECK_FETCH_URL: {
    meaning: '`image_url` is no https URL, or carries a login',
    remedy: 'send an https URL, or the image itself',
    status: 422,
    example: 'expected an https URL without a login in image_url, got http://images.example.org/flood.jpg',
  },
  CROSSCHECK_FETCH_HOST: {
    meaning: 'the host of `image_url` is not listed',
    remedy: 'send the image itself; an operator may add the host to `serve.fetch.hosts`',
    status: 422,
    example: 'images are not fetched from evil.example; serve.fetch.hosts lists images.example.org',
  },
  CROSSCHECK_FETCH_ADDRESS: {
    meaning: 'the host is, or resolves to, an address that is not of the public internet',
    remedy: 'send the image itself',
    status: 422,
    example: 'images.example.org is 10.0.0.7, which is no public address; images are only fetched from outside',
  },
  CROSSCHECK_FETCH_REDIRECT: {
    meaning: 'the host sends on to another host, to http, or round in circles',
    remedy: 'send the URL where the image is',
    status: 422,
    example:
      'expected an image from images.example.org, got a redirect to evil.example, which is another host; send the image itself',
  },
  CROSSCHECK_FETCH_FAILED: {
    meaning:
      'the host does not answer with an image: another status, a connection or certificate that fails, a transfer that breaks off',
    remedy: 'look at the URL; send the image itself',
    status: 422,
    example: 'expected an image from images.example.org, got status 404; send the image itself',
  },
  CROSSCHECK_FETCH_TOO_LARGE: {
    meaning: 'the image has more than `serve.fetch.max_bytes`',
    remedy: 'send a smaller one',
    status: 413,
    example: 'expected an image of at most 10000000 bytes (serve.fetch.max_bytes), got more',
  },
  CROSSCHECK_FETCH_TIMEOUT: {
    meaning: 'the image did not come whole within `serve.fetch.timeout_ms`',
    remedy: 'try again, or send the image itself',
    status: 504,
    example:
      'expected an image from images.example.org, got no whole image within 5000 ms (serve.fetch.timeout_ms); send the image itself',
  },
  CROSSCHECK_SERVER_PROCESS_ENDED: {
    meaning: 'the process that should answer requests ended before it was ready',
    remedy: 'give it more memory, or set fewer `serve.workers`; a reload needs room for two models',
  },
  CROSSCHECK_SERVER_FORM_BROKEN: {
    meaning: 'a multipart body is cut short, has no boundary, or its parts cannot be read',
    remedy: 'let an HTTP client build the form, and let it set Content-Type itself',
    status: 400,
    example:
      'expected a complete multipart/form-data body, got a body of 1024 bytes without the closing boundary "--x--"; it was cut short',
  },
  CROSSCHECK_SERVER_JSON_BROKEN: {
    meaning: 'a body is not JSON in UTF-8',
    remedy: "correct it; the message has the parser's reason",
    status: 400,
    example: 'expected a JSON object in UTF-8, got: Unexpected end of JSON input',
  },
  CROSSCHECK_SERVER_REQUEST_INVALID: {
    meaning: 'what arrived is no HTTP/1.1 request',
    remedy: 'check what speaks to this port',
    status: 400,
    example: 'expected an HTTP/1.1 request, got: Bad Request',
  },
  CROSSCHECK_SERVER_KEY_REFUSED: {
    meaning: 'the API key is missing or wrong',
    remedy: 'send it in `X-API-Key` or as `Authorization: Bearer …`',
    status: 401,
    example: 'expected a valid API key in the header X-API-Key or Authorization: Bearer …, got none',
  },
  CROSSCHECK_SERVER_ROUTE_UNKNOWN: {
    meaning: 'nothing answers this path',
    remedy: '`/docs` lists what does',
    status: 404,
    example: 'nothing answers GET /predictions; see /docs',
  },
  CROSSCHECK_SERVER_MODEL_UNKNOWN: {
    meaning: 'a path under `/v2/models` names another model or version',
    remedy: 'the message names the one that is here',
    status: 404,
    example: 'no model "resnet" here; this service has "crosscheck"',
  },
  CROSSCHECK_SERVER_EXPLAIN_OFF: {
    meaning: '`/explain` was asked where `serve.explain.enabled=false`',
    remedy: 'ask `/predict`',
    status: 404,
    example: 'explanations are off (serve.explain.enabled); POST /predict gives verdicts without them',
  },
  CROSSCHECK_SERVER_METHOD_UNSUPPORTED: {
    meaning: 'the path exists for another method',
    remedy: 'use the one in the `Allow` header',
    status: 405,
    example: '/predict takes POST, got GET',
  },
  CROSSCHECK_SERVER_UPLOAD_SLOW: {
    meaning: 'a request did not arrive within `serve.receive_ms`',
    remedy: 'send it faster, or raise the limit',
    status: 408,
    example: 'the request did not arrive in time (serve.receive_ms)',
  },
  CROSSCHECK_SERVER_BODY_TOO_LARGE: {
    meaning: 'a body has more than `serve.max_body_bytes`',
    remedy: 'send a smaller picture, or raise the limit',
    status: 413,
    example:
      'expected a request body of at most 10000000 bytes, got more; send a smaller picture, or raise serve.max_body_bytes',
  },
  CROSSCHECK_SERVER_MEDIA_TYPE: {
    meaning: 'a body has another Content-Type than the route takes, or is compressed',
    remedy: 'send what the message names',
    status: 415,
    example: 'expected Content-Type multipart/form-data, got application/json',
  },
  CROSSCHECK_SERVER_FIELDS_INVALID: {
    meaning: 'fields are missing, unknown, repeated, too long, not text, or do not fit together',
    remedy: '`detail` lists every field with what is wrong',
    status: 422,
    example: 'image: Field required',
  },
  CROSSCHECK_SERVER_BUSY: {
    meaning: 'uploads in progress hold `serve.max_buffered_bytes`',
    remedy: 'try again after `Retry-After` seconds',
    status: 429,
    example:
      'uploads that are in progress hold 200000000 bytes, which is all that this service allows; try again later',
  },
  CROSSCHECK_SERVER_HEADERS_TOO_LARGE: {
    meaning: 'the headers of a request are too large',
    remedy: 'send fewer or smaller headers',
    status: 431,
    example: 'the headers of the request are too large',
  },
  CROSSCHECK_SERVER_CLIENT_GONE: {
    meaning: '499, seen in logs and metrics only: the client left before its answer; the work was dropped',
    remedy: "nothing, or raise the client's own time limit",
    status: 499,
    example: 'the client closed the connection before it had its answer',
  },
  CROSSCHECK_FEEDBACK_STORE: {
    status: 503,
    meaning: 'what `POST /feedback` sent cannot be written to `serve.feedback.store`',
    remedy: 'send it again later; the message has the reason, the log has it for verdicts, too',
    example: 'what the desk says cannot be kept: the bucket does not answer; try again later',
  },
  CROSSCHECK_FEEDBACK_NO_STORE: {
    meaning: '`pnpm data:feedback` was given no store, or one that holds nothing of the service',
    remedy: 'name what `serve.feedback.store` names: `store=feedback` or `store=s3://bucket/prefix`',
  },
  CROSSCHECK_SERVER_STARTING: {
    meaning: 'the model is still loading',
    remedy: 'wait until `/readyz` answers 200',
    status: 503,
    example: 'Model not initialized; try again in a moment',
  },
  CROSSCHECK_SERVER_DECODERS_STUCK: {
    meaning: 'only in `/readyz`: a picture that is cheap to decode has waited for five seconds',
    remedy: 'nothing: the processes that hold it up are ended at the deadline; a lasting one means too few cores',
    status: 503,
    example:
      'a picture that is cheap to decode waits for 6000 ms: the decoders are stuck; they are ended at the deadline (serve.deadline_ms)',
  },
  CROSSCHECK_SERVER_DRAINING: {
    meaning: 'the service was told to end and finishes what it has',
    remedy: 'send the request to another instance',
    status: 503,
    example: 'the service is shutting down; send the request to another one',
  },
  CROSSCHECK_SERVER_INTERNAL: {
    meaning: "the service failed for a reason that is not the client's",
    remedy: 'look up the request id in the log; report it',
    status: 500,
    example: 'the service failed on this request; its log has the reason under the same request id',
  },
} as const satisfies Record<string, ErrorRow>;
