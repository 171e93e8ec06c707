import { CrosscheckError } from '@crosscheck/contract';
import { type Patience, readFrom, requireOk, send } from './send.ts';
import { type ObjectBody, type ObjectStore, partsOfKey, type ReadOptions } from './store.ts';

/** Objects below an http(s) address; can only be read. */
export class HttpStore implements ObjectStore {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #patience: Patience;

  constructor(url: string, headers: Record<string, string>, patience: Patience) {
    this.url = url.replace(/\/+$/, '');
    this.#headers = headers;
    this.#patience = patience;
  }

  async read(key: string, { from = 0 }: ReadOptions = {}): Promise<ObjectBody> {
    const place = this.#place(key);
    return readFrom(place, from, (range) =>
      send(place, () => ({ url: place, headers: { ...this.#headers, ...range } }), this.#patience),
    );
  }

  async exists(key: string): Promise<boolean> {
    const place = this.#place(key);
    const make = () => ({ url: place, method: 'HEAD', headers: this.#headers });
    const answer = await send(place, make, this.#patience);
    if (answer.status === 404) return false;
    await requireOk(place, answer);
    return true;
  }

  async list(): Promise<string[]> {
    const message = `cannot list ${this.url}: HTTP has no listings; use a folder or s3://`;
    throw new CrosscheckError('CROSSCHECK_STORAGE_NO_LISTING', message);
  }

  async write(): Promise<boolean> {
    const message = `cannot write to ${this.url}: http(s) addresses are only read here; use a folder or s3://`;
    throw new CrosscheckError('CROSSCHECK_STORAGE_READ_ONLY', message);
  }

  async writeStream(): Promise<void> {
    await this.write();
  }

  async remove(): Promise<void> {
    await this.write();
  }

  #place(key: string): string {
    return `${this.url}/${partsOfKey(this.url, key).map(encodeURIComponent).join('/')}`;
  }
}
