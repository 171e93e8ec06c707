/** A reader and what it promises: whatever bytes come, a value or an error of these codes, in bounded memory and time. */
export interface FuzzTarget {
  name: string;
  /** Files that it reads, to be changed. */
  seeds(): Promise<Buffer[]> | Buffer[];
  codes: readonly string[];
  /** Reads all of it. Its input stands in `file`, too. */
  read: (bytes: Buffer, file: string) => unknown;
  /** Slower readers get a part of the inputs. @default 1 */
  share?: number;
}

export interface FuzzReport {
  target: string;
  inputs: number;
  /** That gave a value. */
  accepted: number;
  /** How a promise was broken, and by which input. */
  violations: { input: number; problem: string; file: string }[];
}
