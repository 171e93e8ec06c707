import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchWhole, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../packages/exporter/test/tiny-artifact.ts';
import { podman } from '../kubernetes/podman.ts';
import { isInstalled, runLong } from './tools.ts';

// Builds the image of the last commit and runs it as Kubernetes would. Takes some minutes, root, and Debian's container tools.
const tools = ['podman', 'buildah', 'runc', 'debootstrap'];
const obstacles = [
  ...tools.filter((name) => !isInstalled(name)).map((name) => `${name} is not installed`),
  ...(process.getuid?.() === 0 ? [] : ['it needs root']),
  ...(process.env['CROSSCHECK_SLOW_TESTS'] === '1' ? [] : ['CROSSCHECK_SLOW_TESTS=1 is not set']),
];
const isPossible = obstacles.length === 0;
const image = 'localhost/crosscheck-serve:test';
const minutes = 60_000;

describe.skipIf(!isPossible)(
  `the image of the service${isPossible ? '' : ` (skipped: ${obstacles.join(', ')})`}`,
  () => {
    const folder = temporaryFolder();
    const artifact = path.join(folder.dir, 'artifact');
    const picture = path.join(folder.dir, 'flood.png');

    beforeAll(async () => {
      mkdirSync(artifact);
      await writeTinyArtifact(artifact, { threshold: 0.5 });
      writeFileSync(
        picture,
        encodePng(320, 240, (x, y) => [x % 256, y, 90]),
      );
      for (const base of ['docker.io/library/node:24-bookworm-slim', 'gcr.io/distroless/cc-debian12:nonroot'])
        await podman('image', 'exists', base).catch(() => runLong('deploy/images/base-images.sh', []));
      await runLong('deploy/images/build.sh', ['serve', image, '--artifact', artifact]);
    }, 20 * minutes);
    afterAll(() => folder.remove());

    test('is under 250 MB, runs as nobody in particular, and says what it is', async () => {
      const [found] = JSON.parse(await podman('image', 'inspect', image));
      expect(found.Size).toBeLessThan(250e6);
      expect(found.Config.User).toBe('65532:65532');
      expect(found.Labels['org.opencontainers.image.revision']).toMatch(/^[0-9a-f]{40}$/);
      expect(found.Healthcheck.Test.join(' ')).toContain('/readyz');
    });

    test(
      'answers with a read-only root, no capabilities and nothing mounted, and ends with code 0',
      async () => {
        const flags = ['--read-only', '--read-only-tmpfs=false', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
        const container = await podman('run', '--detach', ...flags, image, 'serve.workers=1');
        try {
          const address = await podman('inspect', container, '--format', '{{.NetworkSettings.IPAddress}}');
          const url = `http://${address}:8000`;
          await expect
            .poll(
              () =>
                fetchWhole(`${url}/readyz`).then(
                  ({ ok }) => ok,
                  () => false,
                ),
              { timeout: 2 * minutes },
            )
            .toBe(true);
          const form = new FormData();
          form.set('text', 'a flood in the city');
          form.set('image', new Blob([new Uint8Array(encodePng(40, 30, (x, y) => [x, y, 90]))]), 'flood.png');
          const answer = await fetchWhole(`${url}/predict`, { method: 'POST', body: form });
          expect(await answer.json()).toMatchObject({
            filename: 'flood.png',
            prediction: expect.stringMatching(/REAL|FAKE/),
          });
          const probe = "fetch('http://127.0.0.1:8000/readyz').then(({ ok }) => process.exit(ok ? 0 : 1))";
          await podman('exec', container, 'node', '--eval', probe);
          await expect(podman('exec', container, 'sh', '-c', 'true')).rejects.toThrow(/not found/);
          await podman('stop', '--time', '40', container);
          expect(await podman('inspect', container, '--format', '{{.State.ExitCode}}')).toBe('0');
        } finally {
          await podman('rm', '--force', container);
        }
      },
      5 * minutes,
    );

    test(
      'ends at once when it is told to while it starts',
      async () => {
        const container = await podman('run', '--detach', image);
        await sleep(150);
        await podman('stop', '--time', '40', container);
        // 137 is what is left to do when nobody listens: SIGKILL.
        expect(await podman('inspect', container, '--format', '{{.State.ExitCode}}')).not.toBe('137');
        await podman('rm', container);
      },
      minutes,
    );

    test.each(['--close', ''])(
      'a pod is replaced under load without a failed request %s',
      async (mode) => {
        const args = ['deploy/kubernetes/drill.ts', '--image', picture, '--serve-image', image, '--clients', '4'];
        const said = await runLong(process.execPath, [...args, ...(mode ? [mode] : [])]);
        expect(said).toContain('it ended with exit code 0');
        expect(said).toMatch(/\d{2,} requests, 0 failed/);
      },
      10 * minutes,
    );
  },
);
