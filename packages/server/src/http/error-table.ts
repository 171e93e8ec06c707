import type { ErrorCode } from '@crosscheck/contract';

interface ErrorRow {
  status: number;
  /** What the message can look like, for the API's documentation. */
  example: string;
}

/** Every error that a request can be answered with, by code. All others are answered with 500 and without their text. */
export const errorTable = {
  CROSSCHECK_SERVER_FORM_BROKEN: {
    status: 400,
    example:
      'expected a complete multipart/form-data body, got a body of 1024 bytes without the closing boundary "--x--"; it was cut short',
  },
  CROSSCHECK_SERVER_JSON_BROKEN: {
    status: 400,
    example: 'expected a JSON object in UTF-8, got: Unexpected end of JSON input',
  },
  CROSSCHECK_SERVER_REQUEST_INVALID: { status: 400, example: 'expected an HTTP/1.1 request, got: Bad Request' },
  CROSSCHECK_IMAGE_UNREADABLE: {
    status: 400,
    example: 'expected a whole picture, got VipsJpeg: premature end of JPEG image (image); replace the file',
  },
  CROSSCHECK_IMAGE_TOO_SMALL: {
    status: 400,
    example: 'expected sides of at least 8 pixels, got 1×1 (image); send a larger picture',
  },
  CROSSCHECK_SERVER_KEY_REFUSED: {
    status: 401,
    example: 'expected a valid API key in the header X-API-Key or Authorization: Bearer …, got none',
  },
  CROSSCHECK_SERVER_ROUTE_UNKNOWN: { status: 404, example: 'nothing answers GET /predictions; see /docs' },
  CROSSCHECK_SERVER_MODEL_UNKNOWN: { status: 404, example: 'no model "resnet" here; this service has "crosscheck"' },
  CROSSCHECK_SERVER_EXPLAIN_OFF: {
    status: 404,
    example: 'explanations are off (serve.explain.enabled); POST /predict gives verdicts without them',
  },
  CROSSCHECK_SERVER_METHOD_UNSUPPORTED: { status: 405, example: '/predict takes POST, got GET' },
  CROSSCHECK_SERVER_UPLOAD_SLOW: { status: 408, example: 'the request did not arrive in time (serve.receive_ms)' },
  CROSSCHECK_SERVER_BODY_TOO_LARGE: {
    status: 413,
    example:
      'expected a request body of at most 10000000 bytes, got more; send a smaller picture, or raise serve.max_body_bytes',
  },
  CROSSCHECK_FETCH_TOO_LARGE: {
    status: 413,
    example: 'expected an image of at most 10000000 bytes (serve.fetch.max_bytes), got more',
  },
  CROSSCHECK_IMAGE_TOO_LARGE: {
    status: 413,
    example:
      'expected at most 40000000 pixels and sides up to 65535, got 30000×30000 (image); send a smaller picture or raise the limit',
  },
  CROSSCHECK_IMAGE_TOO_COMPLEX: {
    status: 413,
    example: 'expected JPEG with scans up to 100, got 1000 (image); save the picture again, as PNG or baseline JPEG',
  },
  CROSSCHECK_IMAGE_OVER_BUDGET: {
    status: 413,
    example:
      'expected a picture that decodes in 896 MiB, got one that takes about 1041 MiB (image); send a smaller one, or raise the budget',
  },
  CROSSCHECK_SERVER_MEDIA_TYPE: {
    status: 415,
    example: 'expected Content-Type multipart/form-data, got application/json',
  },
  CROSSCHECK_IMAGE_UNSUPPORTED: {
    status: 415,
    example:
      'expected JPEG, PNG, WebP, GIF, AVIF, HEIC, BMP or TIFF by its first bytes, got a PDF (image); convert the picture to one of them',
  },
  CROSSCHECK_IMAGE_POLYGLOT: {
    status: 415,
    example:
      'expected a picture and nothing else, got JPEG with a ZIP archive behind its end (image); save the picture again',
  },
  CROSSCHECK_FETCH_OFF: {
    status: 422,
    example: 'image_url is off here (serve.fetch.hosts is empty); send the image itself',
  },
  CROSSCHECK_FETCH_URL: {
    status: 422,
    example: 'expected an https URL without a login in image_url, got http://images.example.org/flood.jpg',
  },
  CROSSCHECK_FETCH_HOST: {
    status: 422,
    example: 'images are not fetched from evil.example; serve.fetch.hosts lists images.example.org',
  },
  CROSSCHECK_FETCH_ADDRESS: {
    status: 422,
    example: 'images.example.org is 10.0.0.7, which is no public address; images are only fetched from outside',
  },
  CROSSCHECK_FETCH_REDIRECT: {
    status: 422,
    example:
      'expected an image from images.example.org, got a redirect to evil.example, which is another host; send the image itself',
  },
  CROSSCHECK_FETCH_FAILED: {
    status: 422,
    example: 'expected an image from images.example.org, got status 404; send the image itself',
  },
  CROSSCHECK_SERVER_FIELDS_INVALID: { status: 422, example: 'image: Field required' },
  CROSSCHECK_INFERENCE_POST_INCOMPLETE: {
    status: 422,
    example: 'expected a picture, words or both, got neither; send at least one of them',
  },
  CROSSCHECK_INFERENCE_NO_BAND: {
    status: 422,
    example:
      'model Crosscheck 1.8 has no abstain band; fit one with pnpm calibrate calibration.target_accuracy=… and export again, or set inference.output.abstain_band (serve.abstain_band)',
  },
  CROSSCHECK_INFERENCE_QUEUE_FULL: {
    status: 429,
    example: '128 posts wait already and 1 more would pass the limit of 128; try again later, or send fewer at once',
  },
  CROSSCHECK_SERVER_BUSY: {
    status: 429,
    example:
      'uploads that are in progress hold 200000000 bytes, which is all that this service allows; try again later',
  },
  CROSSCHECK_IMAGE_BUDGET_BUSY: {
    status: 429,
    example:
      'pictures that are being decoded take 896 MiB, which is all that they may, and there was no room for another one in 5000 ms (image); try again later',
  },
  CROSSCHECK_SERVER_HEADERS_TOO_LARGE: { status: 431, example: 'the headers of the request are too large' },
  CROSSCHECK_SERVER_CLIENT_GONE: { status: 499, example: 'the client closed the connection before it had its answer' },
  CROSSCHECK_INFERENCE_CLOSED: { status: 503, example: 'the classifier was closed; open it again' },
  CROSSCHECK_INFERENCE_WORKER_CRASHED: {
    status: 503,
    example: 'an inference worker ended unexpectedly (exit code 134); often too little memory',
  },
  CROSSCHECK_IMAGE_DECODER_ENDED: {
    status: 503,
    example: 'expected the decoder to answer, but its process ended (image); try again',
  },
  CROSSCHECK_SERVER_DECODERS_STUCK: {
    status: 503,
    example:
      'a picture that is cheap to decode waits for 6000 ms: the decoders are stuck; they are ended at the deadline (serve.deadline_ms)',
  },
  CROSSCHECK_SERVER_STARTING: { status: 503, example: 'Model not initialized; try again in a moment' },
  CROSSCHECK_SERVER_DRAINING: { status: 503, example: 'the service is shutting down; send the request to another one' },
  CROSSCHECK_FETCH_TIMEOUT: {
    status: 504,
    example:
      'expected an image from images.example.org, got no whole image within 5000 ms (serve.fetch.timeout_ms); send the image itself',
  },
  CROSSCHECK_INFERENCE_TIMEOUT: {
    status: 504,
    example: 'no verdict within 10000 ms; the service is overloaded, or the limit is too short for it',
  },
} as const satisfies Partial<Record<ErrorCode, ErrorRow>>;

export type AnsweredCode = keyof typeof errorTable;
