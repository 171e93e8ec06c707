import { inferenceConfigSchema } from '@crosscheck/config';
import { type Classifier, type ClassifierOptions, openClassifier } from '@crosscheck/inference';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll } from 'vitest';
import type { ArtifactContent } from '../../exporter/src/artifact/artifact-content.ts';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { type App, buildApp, type ServeSettings } from '../src/index.ts';

export const defaultSettings: ServeSettings = inferenceConfigSchema.parse({}).serve;

export const colourAt = (x: number, y: number): [number, number, number] => [
  (x * 7) % 256,
  (y * 11) % 256,
  (x * y) % 256,
];

export const picture: Uint8Array = encodePng(40, 30, colourAt);

/** Slow to decode: 2 megapixels. */
export const largePicture: Uint8Array = encodePng(1600, 1200, () => [10, 200, 30]);

export interface TinyService {
  classifier: Classifier;
  /** An app on the same classifier, one for all tests of a file that ask for the same settings; its log lines are collected. */
  app(settings?: Partial<ServeSettings>): Promise<App>;
  log: Record<string, unknown>[];
}

/** Opens the tiny artifact for one test file and closes everything after it. */
export function tinyService(options: ClassifierOptions = {}, content: Partial<ArtifactContent> = {}): TinyService {
  const folder = temporaryFolder();
  const apps = new Map<string, Promise<App>>();
  const log: Record<string, unknown>[] = [];
  const logStream = { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) };
  const service = {
    log,
    app(changes: Partial<ServeSettings> = {}) {
      const key = JSON.stringify(changes);
      const settings = { ...defaultSettings, ...changes };
      const app = apps.get(key) ?? buildApp({ classifier: service.classifier, settings, logStream });
      apps.set(key, app);
      return app;
    },
  } as TinyService;
  beforeAll(async () => {
    await writeTinyArtifact(folder.dir, { threshold: 0.5, temperature: 2, ...content });
    service.classifier = await openClassifier(folder.dir, { workers: 1, ...options });
  });
  afterAll(async () => {
    for (const app of apps.values()) await (await app).close();
    await service.classifier.close();
    folder.remove();
  });
  return service;
}
