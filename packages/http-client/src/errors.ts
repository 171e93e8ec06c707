/** Why a request failed, in words: a connection that is refused at several addresses has a code but no message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
}

/** An address as it may stand in a message: without user and password. */
export function withoutPassword(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
