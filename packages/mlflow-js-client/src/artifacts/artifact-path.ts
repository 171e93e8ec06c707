import { MlflowError } from '../errors.ts';

/** Returns the path without slashes at its ends; refuses what would leave the artifact root. */
export function normaliseArtifactPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (!path.startsWith('/') && !parts.includes('..') && !path.includes('\\')) return parts.join('/');
  const message = `an artifact path is relative, with "/" and without "..", got "${path}"`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}

/** The path of a file; refuses the empty one. */
export function normaliseFilePath(path: string): string {
  const normal = normaliseArtifactPath(path);
  if (normal !== '') return normal;
  throw new MlflowError('INVALID_PARAMETER_VALUE', 'an artifact needs a path, e.g. "plots/confusion_matrix.png"');
}

export function joinArtifactPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

/** Percent-encodes each segment. */
export function encodeArtifactPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
