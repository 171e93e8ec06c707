import type { ErrorRow } from '../error-row.ts';

/** Codes of storage. */
export const storageErrors = {
  CROSSCHECK_STORAGE_BAD_URL: {
    meaning: 'an address is neither a folder nor `file://`, `http(s)://` or `s3://bucket/…`',
    remedy: 'correct it',
  },
  CROSSCHECK_STORAGE_BAD_KEY: {
    meaning:
      'the name of an object leads out of its folder, address or prefix: `..`, an absolute path, a NUL character',
    remedy: 'name it relative to the address',
  },
  CROSSCHECK_STORAGE_NOT_FOUND: {
    meaning: 'there is no object of that name',
    remedy: 'check the name and the prefix',
  },
  CROSSCHECK_STORAGE_DENIED: {
    meaning: '401 or 403',
    remedy:
      'set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (or a profile), check the rights; without the right to list, S3 refuses missing objects in the same way',
  },
  CROSSCHECK_STORAGE_UNREACHABLE: {
    meaning: 'no answer, 5xx or 429 five times, or a body that breaks off',
    remedy: 'check network, address (`AWS_ENDPOINT_URL`), region and proxies; run it again',
  },
  CROSSCHECK_STORAGE_NO_LISTING: {
    meaning: 'the objects of an http(s) address would have to be listed',
    remedy: 'use a folder or `s3://`',
  },
  CROSSCHECK_STORAGE_READ_ONLY: {
    meaning: 'something would have to be written to an http(s) address',
    remedy: 'use a folder or `s3://`',
  },
  CROSSCHECK_STORAGE_WRITE_FAILED: {
    meaning: 'an object cannot be written; the message says why',
    remedy: 'make room, or allow it',
  },
} as const satisfies Record<string, ErrorRow>;
