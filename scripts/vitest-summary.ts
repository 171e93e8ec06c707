import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What one run tells the next, which runs once more what a signal has ended: see scripts/bootstrap.mjs. */
interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Test files whose process a signal has ended. */
  ended: string[];
}

/** Ends a run with one line that tools can read: `N passed, N failed[, N skipped]`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const earlier = JSON.parse(process.env['CROSSCHECK_TESTS_EARLIER'] ?? '{}') as Partial<Counts>;
    const count = {
      passed: earlier.passed ?? 0,
      failed: earlier.failed ?? 0,
      skipped: earlier.skipped ?? 0,
      pending: 0,
    };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      // A file that fails to load holds no tests; count it, or a broken run would read as a green one.
      if (module.errors().length > 0) count.failed += 1;
    }
    const ended = errors.map(endedFile);
    const file = process.env['CROSSCHECK_TESTS_COUNTS'];
    // Only where nothing else went wrong.
    if (file !== undefined && ended.every((name) => name !== null))
      writeFileSync(file, JSON.stringify({ ...count, ended }));
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    setImmediate(() => console.log(`${count.passed} passed, ${count.failed} failed${skipped}`));
  }
}

/** The test file whose process a signal has ended; null for any other error. */
function endedFile({ message, cause }: SerializedError): string | null {
  const told = [message, (cause as SerializedError | undefined)?.message].join('\n');
  return /exited unexpectedly with signal \w+ .*running test file (\S+)/.exec(told)?.[1] ?? null;
}
