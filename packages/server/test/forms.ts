/** A part of a form, as a test wants to send it. */
export interface Field {
  name: string;
  value: string | Uint8Array;
  filename?: string;
  type?: string;
}

export const boundary = '----crosscheck-test';
export const formType = `multipart/form-data; boundary=${boundary}`;

/** A multipart/form-data body, byte for byte. */
export function formBody(fields: Field[]): Buffer {
  const parts = fields.flatMap(({ name, value, filename, type }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined ? '' : `; filename="${filename}"`,
    type === undefined ? '' : `\r\nContent-Type: ${type}`,
    '\r\n\r\n',
    value,
    '\r\n',
  ]);
  return Buffer.concat([...parts, `--${boundary}--\r\n`].map((part) => Buffer.from(part as string)));
}

export function postForm(text: string, image: Uint8Array, filename = 'picture.png'): Buffer {
  return formBody([
    { name: 'text', value: text },
    { name: 'image', value: image, filename, type: 'image/png' },
  ]);
}

/** What `app.inject` needs to send a form. */
export function formRequest(payload: Buffer, url = '/predict') {
  return { method: 'POST' as const, url, payload, headers: { 'content-type': formType } };
}
