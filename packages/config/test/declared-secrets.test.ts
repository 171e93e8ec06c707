import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hideSecrets, withoutSecrets } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';
import { composeConfig } from '../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

it('a key that its schema calls secret is hidden, though its name does not say so', () => {
  writeFileSync(path.join(dir, 'config.yaml'), 'gate: {phrase: open-Sesame-1, port: 80}\n');
  const gate = z.strictObject({
    phrase: z.string().meta({ secret: true }).nullable().default(null),
    port: z.int().default(1),
  });
  const { config } = composeConfig({ configName: 'config', configDir: dir, schema: z.strictObject({ gate }) });
  expect(config.gate.phrase).toBe('open-Sesame-1');
  expect(withoutSecrets(config)).toEqual({ gate: { phrase: '***', port: 80 } });
  expect(hideSecrets('said open-Sesame-1')).toBe('said ***');
});
