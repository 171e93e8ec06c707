import 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Bytes that this request holds of the body budget. */
    bodyBytes: number;
    /** What it was refused with. */
    failure: { code: string; message: string } | null;
    /** Its client left before the answer. */
    isAbandoned: boolean;
  }

  interface FastifyContextConfig {
    /** Probes come every few seconds; they are neither logged nor measured. */
    isQuiet?: boolean;
  }
}
