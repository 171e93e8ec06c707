/** A trial of a search, as it is shown. */
export interface SearchedTrial {
  number: number;
  state: 'complete' | 'pruned' | 'running' | 'waiting' | 'fail';
  /** One for each objective; of a pruned trial what it had reached. */
  values: number[] | null;
  /** Parameter → its value; of a choice its index. */
  params: Record<string, number>;
  /** Parameter → its value as text. */
  texts: Record<string, string>;
  /** What it reported of the first objective. */
  epochs: [epoch: number, value: number][];
  seconds: number | null;
  /** Why it failed. */
  note: string | null;
}

export type SearchedParameter = { name: string; short: string } & (
  | { choices: string[] }
  | { low: number; high: number; log: boolean }
);

export interface SearchData {
  study: string;
  storage: string;
  facts: Record<string, string>;
  objectives: { metric: string; direction: 'minimize' | 'maximize' }[];
  params: SearchedParameter[];
  /** Best first. */
  trials: SearchedTrial[];
  /** Numbers of the trials that no other one beats in every objective. */
  best: number[];
  /** For each objective: parameter → share, the shares of one adding up to 1. */
  importances: Record<string, number>[];
  importancesMissing: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
}
