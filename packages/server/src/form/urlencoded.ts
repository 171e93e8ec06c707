import type { FormPart } from './multipart.ts';

/**
 * Reads the form that HTTP clients send when it has no file. No picture can be in it, so its only use is to say which field is missing.
 */
export function parseUrlencoded(body: Buffer): FormPart[] {
  return Array.from(new URLSearchParams(body.toString('latin1')), ([name, value]) => ({
    name,
    filename: null,
    charset: 'utf-8',
    bytes: Buffer.from(value),
  }));
}
