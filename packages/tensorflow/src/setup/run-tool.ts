import { spawn } from 'node:child_process';
import { CrosscheckError, passStopsTo } from '@crosscheck/contract';

export interface ToolResult {
  code: number | null;
  stdout: string;
  /** What it wrote to stdout and stderr, in order. */
  output: string;
}

/** Runs a program to its end. `show` passes its output through, so that long steps can be watched. */
export function runTool(
  command: string,
  args: string[],
  options: { show?: boolean; cwd?: string } = {},
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const stdio = options.show ? 'inherit' : 'pipe';
    const child = spawn(command, args, { cwd: options.cwd, stdio: ['ignore', stdio, stdio] });
    passStopsTo(child);
    let [stdout, output] = ['', ''];
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', (error) => resolve({ code: null, stdout, output: error.message }));
    child.on('close', (code) => resolve({ code, stdout, output }));
  });
}

const installHints: Record<string, string> = {
  linux: 'on Debian or Ubuntu: apt-get install python3 python3-pip g++',
  darwin: 'on macOS: xcode-select --install, and python3 from python.org or Homebrew',
};

/** Checks that Python's pip and a C++ compiler are there, and names everything that is missing at once. */
export async function checkPrerequisites(needsPip: boolean): Promise<void> {
  const checks = [
    { command: 'python3', args: ['--version'], name: 'Python 3' },
    ...(needsPip ? [{ command: 'python3', args: ['-m', 'pip', '--version'], name: "Python 3's pip" }] : []),
    { command: compiler(), args: ['--version'], name: `a C++ compiler (${compiler()})` },
  ];
  const results = await Promise.all(checks.map(({ command, args }) => runTool(command, args)));
  const missing = checks.filter((_, i) => results[i]?.code !== 0).map(({ name }) => name);
  if (missing.length === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_PREREQUISITES',
    `building the TensorFlow addon needs ${missing.join(' and ')}, not found on PATH; ` +
      `install ${missing.length > 1 ? 'them' : 'it'} (${installHints[process.platform] ?? 'with your package manager'}) and run the command again`,
  );
}

/** The C++ compiler: `CXX`, else the platform's usual one. */
export function compiler(): string {
  return process.env['CXX'] || (process.platform === 'darwin' ? 'clang++' : 'g++');
}
