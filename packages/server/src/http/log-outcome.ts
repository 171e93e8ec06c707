import { escapeForLog } from './escape.ts';
import type { Outcome } from './outcome.ts';

/** One line per request, except for probes. */
export function logOutcome({ request, status, failure, ms }: Outcome): void {
  if (request.routeOptions.config.isQuiet) return;
  const line = {
    method: request.method,
    url: escapeForLog(request.url),
    status,
    ms: Math.round(ms * 10) / 10,
    client: request.ip,
    ...(failure && { code: failure.code, reason: escapeForLog(failure.message) }),
  };
  if (status >= 500) request.log.error(line, 'answered');
  else request.log.info(line, 'answered');
}
