import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Option, print } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import { type AuditReport, auditData } from '../audit/audit.ts';
import { type LimitName, limitTable } from '../audit/limits.ts';
import { renderAudit } from '../audit/page/render-audit.ts';
import { describeProfile } from '../audit/profile.ts';
import { runDataCommand } from '../command-line.ts';
import { createProgress, type Progress } from '../progress.ts';
import { columnOptions, readingOf, readingOptions } from '../reading-options.ts';
import { type LimitProfile, limitProfiles } from '../split/profile.ts';

const options = {
  root_dir: { default: 'data', help: 'holds train.csv, val.csv, test.csv, as far as they exist' },
  train_file: { default: null, help: 'CSV or TSV, instead of the one in root_dir' },
  val_file: { default: null, help: 'CSV or TSV, instead of the one in root_dir' },
  test_file: { default: null, help: 'CSV or TSV, instead of the one in root_dir' },
  ...columnOptions,
  ...readingOptions,
  out: { default: null, help: 'receives audit.html and audit.json; null = <root_dir>/audit' },
  title: { default: null, help: "of the page; null = the folder's name" },
  ledger: { default: null, help: 'of a download, for survival; null = ledger.jsonl in root_dir' },
  min_side: { default: 32, help: 'pixels below which a picture is tiny' },
  shared_rows: {
    default: -1,
    min: -1,
    help: 'a picture that so many rows share is a placeholder; 0 = never, -1 = 10, and never in profile=out_of_context',
  },
  placeholders: { default: null, help: 'text file with sha256 or md5 of placeholders, one a line' },
  profile: {
    default: null,
    choices: [...limitProfiles, 'null'],
    help: 'out_of_context: pictures and words repeat by design; null = what data:split noted in root_dir, else default',
  },
  strict: { default: false, help: 'exit with 1 when a limit is broken' },
} satisfies Record<string, Option>;

const limitOptions = Object.fromEntries(
  Object.entries(limitTable).map(([name, { limit, what, ...entry }]) => {
    const other = 'profiles' in entry ? `; out_of_context: ${entry.profiles.out_of_context}` : '';
    return [`max_${name}`, { default: limit, min: -1, isFraction: true, help: `${what}${other}` }];
  }),
);

/** Keys as they were typed: a limit that is given wins over the profile's, the usual value among them. */
const typed = new Set(
  process.argv.slice(2).map((arg) => arg.replace(/^--/, '').replace(/=.*$/s, '').replaceAll('-', '_')),
);

const write = print;

async function readHashes(file: string | null): Promise<Set<string>> {
  const lines = file === null ? [] : (await readFile(file, 'utf8')).split('\n');
  return new Set(lines.map((line) => line.replace(/#.*/, '').trim().toLowerCase()).filter((line) => line !== ''));
}

function summarize({ limits, files, notes, findings, words, profile }: AuditReport): void {
  for (const note of notes) write(note);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  write(
    `${rows} rows in ${files.map(({ split, usable }) => `${split} (${usable} usable)`).join(', ')}; ${findings.length} findings`,
  );
  const { accuracy, baseline } = words.bagOfWords;
  const shown = (share: number) => `${(share * 100).toFixed(1)} %`;
  write(`words alone: ${shown(accuracy.value)} of held-out posts, the best constant guess ${shown(baseline)}`);
  write(`limits: ${describeProfile(profile)}`);
  for (const { name, what, value, limit, isBroken } of limits) {
    if (isBroken) write(`broken: max_${name}=${limit}, got ${Number(value.toPrecision(4))} (${what})`);
  }
  if (!limits.some(({ isBroken }) => isBroken)) write('no limit is broken');
}

await runDataCommand({
  name: 'data:audit',
  summary: 'Examines the splits of a data set before anybody trains on them, and writes a page and a JSON about it.',
  options: { ...options, ...limitOptions } as typeof options,
  async main(values) {
    const given = { train: values.train_file, val: values.val_file, test: values.test_file };
    const files = Object.fromEntries(
      Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    const numbers = values as unknown as Record<string, number>;
    const limits = Object.fromEntries(
      (Object.keys(limitTable) as LimitName[]).flatMap((name) =>
        typed.has(`max_${name}`) ? [[name, numbers[`max_${name}`] as number]] : [],
      ),
    );
    let progress: Progress | undefined;
    const report = await auditData({
      source: {
        rootDir: values.root_dir,
        files,
        imagesDir: values.images_dir,
        textColumn: values.text_column,
        imageColumn: values.image_column,
        labelColumn: values.label_column,
        reading: readingOf(values),
      },
      inspect: {
        minSide: values.min_side,
        ...(values.shared_rows >= 0 && { sharedRows: values.shared_rows }),
        placeholders: await readHashes(values.placeholders),
        onPicture(_, total) {
          progress ??= createProgress('pictures', total);
          progress.tick();
        },
      },
      profile: values.profile as LimitProfile | null,
      limits,
      ledger: values.ledger,
    });
    progress?.end();
    const out = values.out ?? path.join(values.root_dir, 'audit');
    const createdAt = new Date().toISOString();
    const title = values.title ?? path.basename(path.resolve(values.root_dir));
    writeWhole(path.join(out, 'audit.json'), `${JSON.stringify({ createdAt, ...report }, null, 1)}\n`);
    writeWhole(path.join(out, 'audit.html'), await renderAudit(report, title, createdAt));
    summarize(report);
    write(`wrote ${path.join(out, 'audit.html')} and audit.json`);
    return values.strict && report.limits.some(({ isBroken }) => isBroken) ? 1 : 0;
  },
});
