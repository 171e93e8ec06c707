/**
 * Turns a nested config into dotted keys with text values, for MLflow params. Lists become JSON under their key.
 *
 * @example flattenConfig({ training: { seed: 42 } }) // { 'training.seed': '42' }
 */
export function flattenConfig(value: unknown): Record<string, string> {
  const flat: Record<string, string> = {};
  const walk = (node: unknown, path: string) => {
    const isMap = typeof node === 'object' && node !== null && !Array.isArray(node);
    if (isMap) for (const [key, child] of Object.entries(node)) walk(child, path === '' ? key : `${path}.${key}`);
    else flat[path] = typeof node === 'object' && node !== null ? JSON.stringify(node) : String(node);
  };
  walk(value, '');
  return flat;
}
