import { existsSync, readFileSync } from 'node:fs';
import { repositoryRoot } from '@crosscheck/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { tinyService } from '../../packages/server/test/tiny-service.ts';
import { isInstalled, python, run } from './tools.ts';

const composeFile = `${repositoryRoot}/docker-compose.yaml`;
const monitoring = `${repositoryRoot}/deploy/monitoring`;

interface Compose {
  services: Record<
    string,
    {
      image: string;
      command?: string[];
      volumes?: (string | { source: string })[];
      build?: { dockerfile: string; target?: string };
    }
  >;
}

describe('docker-compose.yaml', () => {
  let interpreter: string;
  beforeAll(() => {
    interpreter = python('compose', 'compose-spec==0.2.1', 'podman-compose==1.6.0');
  }, 300_000);

  const check =
    'import sys, compose_spec; compose_spec.PyCompose.from_yaml(open(sys.argv[1]).read()).to_spec(); print("valid")';

  test('keeps to the Compose specification', () => {
    expect(run(interpreter, ['-c', check, composeFile])).toBe('valid\n');
  });

  test.skipIf(!isInstalled('podman'))('is understood by podman-compose (skipped where there is no podman)', () => {
    const command = 'from podman_compose import main; main()';
    const config = parse(
      run(interpreter, ['-c', command, '-f', composeFile, '--profile', 'train', 'config']),
    ) as Compose;
    expect(Object.keys(config.services).toSorted()).toEqual(['crosscheck', 'mlflow', 'prometheus', 'train']);
  });

  test('names files and stages that exist', () => {
    const { services } = parse(readFileSync(composeFile, 'utf8')) as Compose;
    const builds = Object.values(services).flatMap(({ build }) => build ?? []);
    const stages = builds.map(({ dockerfile, target }) => {
      const text = readFileSync(`${repositoryRoot}/${dockerfile}`, 'utf8');
      return target === undefined || text.includes(` AS ${target}\n`);
    });
    expect(stages).toEqual([true, true]);
    expect(services['prometheus']?.volumes).toContain('./deploy/monitoring:/etc/prometheus:ro');
    expect(existsSync(`${monitoring}/prometheus.yml`)).toBe(true);
  });
});

describe('monitoring', () => {
  const { groups } = parse(readFileSync(`${monitoring}/alerts.yaml`, 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  const service = tinyService();

  test('every expression is PromQL', () => {
    const interpreter = python('promql', 'promql-parser==0.12.0');
    const check =
      'import sys, json, promql_parser\nfor expr in json.load(sys.stdin): promql_parser.parse(expr)\nprint("parsed")';
    const expressions = JSON.stringify(rules.map(({ expr }) => expr));
    expect(run('sh', ['-c', `printf '%s' "$1" | "$2" -c "$3"`, 'sh', expressions, interpreter, check])).toBe(
      'parsed\n',
    );
  });

  test('every metric in them is one that the service has', async () => {
    const app = await service.app();
    await app.inject({ method: 'POST', url: '/predict' });
    app.service.history = { ...app.service.history, lastFailure: { code: 'CROSSCHECK_ARTIFACT_MISSING', message: '' } };
    const { body } = await app.inject('/metrics');
    const adapter = readFileSync(`${monitoring}/prometheus-adapter.yaml`, 'utf8');
    const named = [...rules.map(({ expr }) => expr), adapter].flatMap((text) => text.match(/\bcrosscheck_\w+/g) ?? []);
    const known = new Set(
      [...body.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
      ),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test('every alert says in words what is the matter', () => {
    for (const { annotations } of rules) expect(annotations.summary.length).toBeGreaterThan(20);
  });
});
