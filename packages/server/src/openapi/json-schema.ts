import { z } from 'zod';

/** A zod schema as JSON Schema, for the API's documentation; an input may have more properties than are named. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> {
  const whole: Record<string, unknown> = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: node }) => dropSafeRange(node),
  });
  delete whole.$schema;
  return whole;
}

/** zod states the range of safe integers for every integer; a reader of the documentation learns nothing from it. */
function dropSafeRange(node: { minimum?: number; maximum?: number }): void {
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
}
