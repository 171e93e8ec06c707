import { isHidden } from '@crosscheck/contract';

/** How to log in where the URI's own secret was not stored. */
export const loginHint =
  'give --tracking-uri with user and password, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_TOKEN)';

type Environment = Readonly<Record<string, string | undefined>>;

/** A stored `http://***@host` without its hidden user, when the environment says who logs in; null when nothing does, or more is hidden. */
export function withoutHiddenLogin(uri: string, env: Environment = process.env): string | null {
  const bare = uri.replace('://***@', '://');
  const hasUser = Boolean(env['MLFLOW_TRACKING_USERNAME'] && env['MLFLOW_TRACKING_PASSWORD']);
  return !isHidden(bare) && (hasUser || env['MLFLOW_TRACKING_TOKEN']) ? bare : null;
}
