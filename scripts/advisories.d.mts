export interface Advisory {
  id: string;
  package: string;
  /** A range of versions. */
  vulnerable: string;
  severity: string;
  title: string;
}

export function findAdvisories(
  packages: readonly { name: string; version: string }[],
  advisories: readonly Advisory[],
): (Advisory & { version: string })[];

/** @param audit what `pnpm audit --json` prints */
export function mergeAudit(known: readonly Advisory[], audit: object): Advisory[];
