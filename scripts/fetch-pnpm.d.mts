interface PackageManager {
  name: string;
  version: string;
  /** In hexadecimal digits, of the tarball. */
  sha512: string;
}

export function readPackageManager(text?: string): PackageManager;
export function fetchPnpm(
  where: string[],
  options?: { packageManager?: PackageManager; env?: NodeJS.ProcessEnv },
): void;
