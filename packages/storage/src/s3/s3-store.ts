import { sha256Of } from '@crosscheck/files';
import type { HttpAnswer } from '@crosscheck/http-client';
import { AwsV4Signer } from 'aws4fetch';
import { denied, writeFailed } from '../errors.ts';
import { type Patience, readFrom, requireOk, send, textOf } from '../send.ts';
import {
  type ObjectBody,
  type ObjectStore,
  partsOfKey,
  type ReadOptions,
  sortByCodePoints,
  type WriteOptions,
} from '../store.ts';
import type { Credentials } from './credentials.ts';
import { parseListing, tagOf } from './xml.ts';

export interface S3Address {
  bucket: string;
  /** What every key begins with; `''` or without slashes at its ends. */
  prefix: string;
  region: string;
  /** Of a server other than AWS's own, such as MinIO's: its buckets are the first part of the path. Null = AWS. */
  endpoint: string | null;
  /** Asked again every few minutes, because those of a container run out; null answers = do not sign. */
  credentials: () => Promise<Credentials | null>;
  /** Of every part of a large object but the last; S3 wants at least 5 MiB, and at most 10,000 parts. */
  partBytes: number;
}

interface Call {
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
}

const credentialsLastMs = 5 * 60_000;

/** A prefix of a bucket, over plain HTTPS: signed with AWS Signature 4, or not at all for public buckets. */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly #address: S3Address;
  readonly #patience: Patience;
  #credentials: { value: Promise<Credentials | null>; until: number } | null = null;
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(address: S3Address, patience: Patience) {
    this.url = `s3://${address.bucket}${address.prefix && `/${address.prefix}`}`;
    this.#address = address;
    this.#patience = patience;
  }

  async read(key: string, { from = 0 }: ReadOptions = {}): Promise<ObjectBody> {
    return readFrom(`${this.url}/${key}`, from, (headers) => this.#call(key, { headers }));
  }

  async exists(key: string): Promise<boolean> {
    const response = await this.#call(key, { method: 'HEAD' });
    if (response.status === 404) return false;
    await requireOk(`${this.url}/${key}`, response);
    return true;
  }

  async list(folder: string): Promise<string[]> {
    const base = this.#address.prefix && `${this.#address.prefix}/`;
    const prefix = `${base}${folder}${folder && '/'}`;
    const keys: string[] = [];
    let token: string | null = null;
    do {
      const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...(token && { 'continuation-token': token }) };
      const response = await requireOk(this.url, await this.#call(null, { query }));
      const listing = parseListing(await textOf(response));
      keys.push(...listing.keys.map((key) => key.slice(base.length)).filter((key) => !key.endsWith('/')));
      token = listing.next;
    } while (token !== null);
    return sortByCodePoints(keys);
  }

  async write(key: string, bytes: Uint8Array, { onlyIfAbsent = false }: WriteOptions = {}): Promise<boolean> {
    const headers = onlyIfAbsent ? { 'if-none-match': '*' } : {};
    const response = await this.#call(key, { method: 'PUT', body: bytes, headers });
    // 412: it is there; 409: somebody else is writing it at this moment.
    if (onlyIfAbsent && (response.status === 412 || response.status === 409)) return this.#settled(key, bytes);
    await this.#requireWritten(key, response);
    return true;
  }

  async writeStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const begun = await this.#requireWritten(key, await this.#call(key, { method: 'POST', query: { uploads: '' } }));
    const uploadId = tagOf(await textOf(begun), 'UploadId') ?? '';
    try {
      const etags: string[] = [];
      for await (const part of inParts(chunks, this.#address.partBytes))
        etags.push(await this.#uploadPart(key, part, uploadId, etags.length + 1));
      await this.#complete(key, uploadId, etags);
    } catch (error) {
      await this.#call(key, { method: 'DELETE', query: { uploadId } }).catch(() => {});
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    const response = await this.#call(key, { method: 'DELETE' });
    if (response.status !== 404) await this.#requireWritten(key, response);
  }

  /** A 409 may come from a writer that then dies: ask until the object is there or ours is taken. */
  async #settled(key: string, bytes: Uint8Array): Promise<boolean> {
    if (await this.exists(key)) return false;
    const response = await this.#call(key, { method: 'PUT', body: bytes, headers: { 'if-none-match': '*' } });
    if (response.status === 412) return false;
    await this.#requireWritten(key, response);
    return true;
  }

  async #uploadPart(key: string, body: Uint8Array, uploadId: string, number: number): Promise<string> {
    const query = { partNumber: String(number), uploadId };
    const response = await this.#requireWritten(key, await this.#call(key, { method: 'PUT', query, body }));
    return response.headers.get('etag') ?? '';
  }

  async #complete(key: string, uploadId: string, etags: string[]): Promise<void> {
    const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const response = await this.#requireWritten(
      key,
      await this.#call(key, { method: 'POST', query: { uploadId }, body }),
    );
    // S3 may answer 200 first and find the error later.
    const code = tagOf(await textOf(response), 'Code');
    if (code !== null) throw writeFailed(`${this.url}/${key}`, code);
  }

  async #requireWritten(key: string, response: HttpAnswer): Promise<HttpAnswer> {
    if (response.ok) return response;
    const text = await textOf(response);
    const reason = `${tagOf(text, 'Code') ?? ''} (${tagOf(text, 'Message') ?? ''})`;
    if (response.status === 401 || response.status === 403)
      throw denied(`${this.url}/${key}`, response.status, ` ${reason}`);
    throw writeFailed(`${this.url}/${key}`, `${response.status} ${reason}`);
  }

  async #call(key: string | null, { method = 'GET', query = {}, headers = {}, body }: Call): Promise<HttpAnswer> {
    const url = `${this.#bucketUrl()}${key === null ? '' : this.#path(key)}${queryText(query)}`;
    const sha256 = sha256Of(body ?? '');
    const make = async () => {
      const signed = await this.#sign({ url, method, headers: { ...headers, 'x-amz-content-sha256': sha256 } });
      return { url, method, headers: signed ?? headers, ...(body && { body }) };
    };
    return send(`${this.url}${key === null ? '' : `/${key}`}`, make, this.#patience);
  }

  #bucketUrl(): string {
    const { bucket, endpoint, region } = this.#address;
    if (endpoint !== null) return `${endpoint.replace(/\/+$/, '')}/${bucket}`;
    // A name with dots does not fit the server's certificate.
    if (bucket.includes('.')) return `https://s3.${region}.amazonaws.com/${bucket}`;
    return `https://${bucket}.s3.${region}.amazonaws.com`;
  }

  #path(key: string): string {
    const { prefix } = this.#address;
    return `/${[...prefix.split('/'), ...partsOfKey(this.url, key)].filter(Boolean).map(encode).join('/')}`;
  }

  /** The headers with the signature among them, or null where nothing is signed. The body is known by its hash. */
  async #sign(call: {
    url: string;
    method: string;
    headers: Record<string, string>;
  }): Promise<Record<string, string> | null> {
    if (this.#credentials === null || Date.now() > this.#credentials.until)
      this.#credentials = { value: this.#address.credentials(), until: Date.now() + credentialsLastMs };
    const found = await this.#credentials.value;
    if (found === null) return null;
    const { region } = this.#address;
    const signer = new AwsV4Signer({ ...call, ...found, region, service: 's3', cache: this.#signingKeys });
    return Object.fromEntries((await signer.sign()).headers);
  }
}

async function* inParts(chunks: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array> {
  let [waiting, bytes, count] = [[] as Uint8Array[], 0, 0];
  for await (const chunk of chunks) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < partBytes) continue;
    yield Buffer.concat(waiting);
    [waiting, bytes, count] = [[], 0, count + 1];
  }
  if (bytes > 0 || count === 0) yield Buffer.concat(waiting);
}

function queryText(query: Record<string, string>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** RFC 3986: what encodeURIComponent leaves of the reserved characters is encoded, too, as the signature wants it. */
function encode(part: string): string {
  return encodeURIComponent(part).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
