/** One row of the table of errors; docs/errors.md and the service's documentation are made from these. */
export interface ErrorRow {
  /** When it happens, as a clause. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
  /** The status that the service answers a request with; a code without one never reaches a client. */
  status?: number;
  /** What its message can look like, for the documentation of the service. */
  example?: string;
}
