import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inferenceConfigSchema } from '../../packages/config/src/index.ts';
import { flatManifest } from '../kubernetes/flat-manifest.ts';
import { findRenderer, render } from '../kubernetes/render.ts';
import { inJobs, jobFiles, ofKind, podsOf, type Resource, read } from './job-manifests.ts';
import { python, run } from './tools.ts';

const kubernetes = '1.34';
const folder = temporaryFolder();
afterAll(() => folder.remove());
const flatFile = path.join(repositoryRoot, flatManifest.file);
const renderer = findRenderer();
const withoutRenderer = renderer === null ? ' (skipped: neither kustomize nor kubectl is installed)' : '';

let validator: string;
beforeAll(() => {
  validator = path.join(path.dirname(python('kubernetes', 'kubernetes-validate==1.37.0')), 'kubernetes-validate');
}, 300_000);

/** Validates against Kubernetes' own schemas, offline; properties that the schema does not know are errors. */
function validate(file: string): string {
  return run(validator, ['--strict', '-k', kubernetes, file]);
}

const containersOf = (resources: Resource[]) =>
  podsOf(resources).flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers]);

describe('the flat manifest', () => {
  test('is valid', () => {
    expect(validate(flatFile)).toContain('passed for resource deployment/crosscheck');
  });

  test('is refused by the same check when a property is misspelt', () => {
    const broken = path.join(folder.dir, 'broken.yaml');
    writeFileSync(broken, readFileSync(flatFile, 'utf8').replace('readOnlyRootFilesystem', 'readonlyRootFilesystem'));
    expect(() => validate(broken)).toThrow(/'readonlyRootFilesystem' was unexpected/);
  });

  test.skipIf(renderer === null)(`is what the minikube overlay says${withoutRenderer}`, () => {
    expect(readFileSync(flatFile, 'utf8')).toBe(flatManifest.text(repositoryRoot));
  });

  test('has the node port of the original', () => {
    const service = ofKind(read(flatFile), 'Service')[0]?.spec as unknown as { ports: object[] };
    expect(service.ports).toEqual([expect.objectContaining({ nodePort: 31_018, port: 80 })]);
  });

  test('gives a pod longer to end than preStop and the service take', () => {
    const [pod] = podsOf(read(flatFile));
    const { shutdown_ms } = inferenceConfigSchema.parse({}).serve;
    const preStop = pod?.spec.containers[0]?.lifecycle?.preStop.sleep.seconds as number;
    expect(pod?.spec.terminationGracePeriodSeconds).toBeGreaterThan(preStop + shutdown_ms / 1000);
  });
});

describe.skipIf(renderer === null)(`overlays${withoutRenderer}`, () => {
  const components = readdirSync(`${repositoryRoot}/k8s/components`);

  function renderWith(component: string | null): string {
    const copy = path.join(folder.dir, component ?? 'plain');
    cpSync(`${repositoryRoot}/k8s`, copy, { recursive: true });
    const file = `${copy}/overlays/production/kustomization.yaml`;
    const added = component === null ? '' : `components:\n  - ../../components/${component}\n`;
    writeFileSync(file, readFileSync(file, 'utf8') + added);
    const rendered = path.join(copy, 'rendered.yaml');
    writeFileSync(rendered, render(`${copy}/overlays/production`));
    return rendered;
  }

  test.each([null, ...components])('production with component %s is valid and lives in its namespace', (component) => {
    const file = renderWith(component);
    const passed = validate(file).match(/passed for resource/g) ?? [];
    const resources = read(file);
    expect(passed).toHaveLength(resources.length);
    const kinds = resources.map(({ kind }) => kind);
    for (const kind of ['HorizontalPodAutoscaler', 'PodDisruptionBudget', 'NetworkPolicy'])
      expect(kinds).toContain(kind);
    const inside = resources.filter(({ kind }) => kind !== 'Namespace');
    expect(new Set(inside.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['crosscheck']));
  });

  test('the image of the production overlay reaches every container', () => {
    const images = containersOf(ofKind(read(renderWith('model-from-http')), 'Deployment')).map(({ image }) => image);
    expect(images).toEqual(Array(2).fill('registry.example.com/crosscheck-serve:1.8'));
  });
});

describe('every pod', () => {
  test('of the service keeps to the restricted profile of Pod Security', () => {
    const [pod] = podsOf(read(flatFile));
    expect(pod?.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod?.spec.automountServiceAccountToken).toBe(false);
    for (const { securityContext } of containersOf(read(flatFile)))
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
  });

  test('that runs ONNX Runtime has its telemetry off', () => {
    const containers = containersOf([flatFile, ...jobFiles.map(inJobs)].flatMap(read));
    const serving = containers.filter(({ image }) => image.startsWith('crosscheck-serve'));
    expect(serving).toHaveLength(2);
    for (const { env } of serving) expect(env).toContainEqual({ name: 'ORT_DISABLE_TELEMETRY', value: '1' });
  });
});

/** What NetworkPolicies allow: those that select a pod add up, and one that none selects may do everything. */
interface Policy {
  spec: { podSelector: { matchLabels: Record<string, string> }; policyTypes: string[]; egress: { ports: Port[] }[] };
}
type Port = { port: number };

function egressOf(resources: Resource[], labels: Record<string, string>): number[] | 'everything' {
  const policies = resources.filter(({ kind }) => kind === 'NetworkPolicy') as unknown as Policy[];
  const selecting = policies.filter(({ spec }) =>
    Object.entries(spec.podSelector.matchLabels).every(([name, value]) => labels[name] === value),
  );
  if (!selecting.some(({ spec }) => spec.policyTypes.includes('Egress'))) return 'everything';
  return [
    ...new Set(selecting.flatMap(({ spec }) => spec.egress.flatMap(({ ports }) => ports.map(({ port }) => port)))),
  ];
}

const labelsOf = (component: string) => ({
  'app.kubernetes.io/name': 'crosscheck',
  'app.kubernetes.io/component': component,
});

describe('the network', () => {
  test.each(readdirSync(`${repositoryRoot}/k8s/components`))(
    'of the service stays closed with component %s',
    (name) => {
      const files = ['overlays/production', `components/${name}`].flatMap((folder) =>
        readdirSync(`${repositoryRoot}/k8s/${folder}`)
          .filter((file) => file.endsWith('.yaml'))
          .map((file) => `${repositoryRoot}/k8s/${folder}/${file}`),
      );
      expect(egressOf(files.flatMap(read), labelsOf('service'))).toEqual([]);
    },
  );

  test('of the Job that fetches the model is open for names and https', () => {
    const policy = read(`${repositoryRoot}/k8s/components/model-from-http/network-policy.yaml`);
    expect(egressOf(policy, labelsOf('model'))).toEqual([53, 443]);
  });
});

describe('a signal', () => {
  const files = [
    'Dockerfile-train',
    'Dockerfile-serve',
    'docker-compose.yaml',
    ...jobFiles.map((job) => `k8s/jobs/${job}`),
  ];
  const texts = files.map((file) => [file, readFileSync(path.join(repositoryRoot, file), 'utf8')] as const);

  test.each(texts)('reaches node in %s: tini starts it itself', (_, text) => {
    const started = [...text.matchAll(/\btini(?:-static)?\b["']?,?\s+["']?--["']?,?\s+["']?([\w./-]+)/g)].map(
      ([, program]) => program,
    );
    expect(started.filter((program) => program !== 'node')).toEqual([]);
    expect(text).not.toMatch(/^\s*(ENTRYPOINT|CMD|command:|exec) .*\b(pnpm|npm|npx|yarn)\b/m);
  });

  test('there are entry points to look at', () => {
    const withTini = texts
      .filter(([, text]) => /^(ENTRYPOINT .*|.*(command:|exec) .*)tini/m.test(text))
      .map(([file]) => file);
    expect(withTini).toEqual([
      'Dockerfile-train',
      'Dockerfile-serve',
      'k8s/jobs/batch-scoring.yaml',
      'k8s/jobs/distributed-jobset.yaml',
      'k8s/jobs/distributed-tfjob.yaml',
      'k8s/jobs/distributed-trainjob.yaml',
      'k8s/jobs/sweep.yaml',
    ]);
  });

  test('runs the scripts of package.json in the process of the training image', () => {
    const entry = /^ENTRYPOINT (\[.*\])$/m.exec(
      readFileSync(path.join(repositoryRoot, 'Dockerfile-train'), 'utf8'),
    )?.[1];
    const [, , , ...args] = JSON.parse(entry ?? '[]') as string[];
    expect(run(process.execPath, [...args, 'train', '--help'])).toContain('train: Trains on posts');
    expect(run(process.execPath, [...args, 'data:demo', '--help'])).toContain('pnpm data:demo [key=value …]');
  });
});
