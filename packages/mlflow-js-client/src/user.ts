import { homedir, userInfo } from 'node:os';

type Environment = Readonly<Record<string, string | undefined>>;

/** Null for a user without HOME and without an entry in passwd, as containers have them. */
export function homeFolder(env: Environment): string | null {
  return env['HOME'] ?? orNull(homedir);
}

/** Who runs this, as MLflow's own client names it: where the system does not know, what the shell says, else `unknown`. */
export function userName(env: Environment = process.env): string {
  return orNull(() => userInfo().username) ?? env['LOGNAME'] ?? env['USER'] ?? 'unknown';
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
