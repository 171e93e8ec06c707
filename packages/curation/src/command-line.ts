import { CrosscheckError, type OptionCommand, type Options, runOptionCommand } from '@crosscheck/contract';

const code = 'CROSSCHECK_DATA_BAD_OPTION';

/** Runs a `data:*` command. @throws never; errors go to standard error */
export function runDataCommand<T extends Options>(command: Omit<OptionCommand<T>, 'code'>): Promise<void> {
  return runOptionCommand({ ...command, code });
}

export const badOption = (message: string): CrosscheckError => new CrosscheckError(code, message);
