import { CrosscheckError } from '@crosscheck/contract';

export interface PullArguments {
  targets: string[];
  remote: string | null;
  jobs: number;
  force: boolean;
}

export const helpText = `pnpm data:pull [file.dvc | path …] [key=value …]

Brings what .dvc files track into the working tree, as \`dvc pull\` does, without Python: from a folder, http(s) or S3, md5
checked. Run it again after an interruption: it goes on where it stopped. Without a target: every .dvc file of the repository.

  remote=null   a remote of .dvc/config or .dvc/config.local; null = its default
  jobs=16       transfers at a time
  force=false   replace files that differ and that DVC's cache does not keep
`;

/** What each option takes; every other argument is a target. */
const options: Record<string, (value: string) => Partial<PullArguments> | null> = {
  remote: (value) => ({ remote: value === 'null' ? null : value }),
  jobs: (value) => (/^[1-9]\d*$/.test(value) ? { jobs: Number(value) } : null),
  force: (value) => (value === 'true' || value === 'false' ? { force: value === 'true' } : null),
};

/**
 * Reads `key=value` arguments and targets; `--key=value` and `--force` mean the same.
 *
 * @throws CROSSCHECK_DVC_BAD_OPTION
 */
export function parseArguments(args: readonly string[]): PullArguments {
  let parsed: PullArguments = { targets: [], remote: null, jobs: 16, force: false };
  for (const arg of args.filter((given) => given !== '--')) {
    const [, dashes, key = '', value] = /^(--)?(\w+)(?:=(.*))?$/s.exec(arg) ?? [];
    const isOption = dashes !== undefined || value !== undefined;
    if (!isOption) {
      parsed.targets.push(arg);
      continue;
    }
    const found = options[key]?.(value ?? 'true');
    if (!found) {
      const message = `expected remote=NAME, jobs=NUMBER, force=true or a .dvc file, got "${arg}"`;
      throw new CrosscheckError('CROSSCHECK_DVC_BAD_OPTION', message);
    }
    parsed = { ...parsed, ...found };
  }
  return parsed;
}
