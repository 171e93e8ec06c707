import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  composeConfig,
  inferenceConfigSchema,
  trainConfigSchema,
  trainReads,
} from '../../packages/config/src/index.ts';
import { flatManifest } from '../kubernetes/flat-manifest.ts';
import { findRenderer, render } from '../kubernetes/render.ts';
import { python, run } from './tools.ts';

const kubernetes = '1.34';
const folder = temporaryFolder();
afterAll(() => folder.remove());
const flatFile = path.join(repositoryRoot, flatManifest.file);
const jobs = readdirSync(`${repositoryRoot}/k8s/jobs`);
const inJobs = (name: string) => `${repositoryRoot}/k8s/jobs/${name}`;
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

interface PodSpec {
  terminationGracePeriodSeconds: number;
  automountServiceAccountToken: boolean;
  securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
  initContainers?: Container[];
  containers: Container[];
}

interface Container {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
  lifecycle: { preStop: { sleep: { seconds: number } } };
  securityContext: object;
  volumeMounts?: { name: string }[];
}

interface Resource {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: { template: { spec: PodSpec }; completions: number; ports: { nodePort?: number }[] };
}

const parse = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Resource);
const read = (file: string) => parse(readFileSync(file, 'utf8'));
const podsOf = (resources: Resource[]) =>
  resources.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').map(({ spec }) => spec.template.spec);

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
    const service = read(flatFile).find(({ kind }) => kind === 'Service');
    expect(service?.spec.ports).toEqual([expect.objectContaining({ nodePort: 31_018, port: 80 })]);
  });

  test('gives a pod longer to end than preStop and the service take', () => {
    const [{ terminationGracePeriodSeconds, containers } = {} as PodSpec] = podsOf(read(flatFile));
    const { shutdown_ms } = inferenceConfigSchema.parse({}).serve;
    const preStop = containers[0]?.lifecycle.preStop.sleep.seconds as number;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(preStop + shutdown_ms / 1000);
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
    const [pod] = podsOf(read(renderWith('model-from-http')));
    const images = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].map(({ image }) => image);
    expect(images).toEqual(Array(2).fill('registry.example.com/crosscheck-serve:1.8'));
  });
});

describe('every pod', () => {
  const resources = [flatFile, ...jobs.map(inJobs)].flatMap(read);

  test('keeps to the restricted profile of Pod Security', () => {
    for (const pod of podsOf(resources)) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const { securityContext } of pod.containers)
        expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
    expect(podsOf(resources)).toHaveLength(3);
  });

  test('that runs ONNX Runtime has its telemetry off', () => {
    const pods = podsOf(resources).filter(({ containers }) => containers[0]?.image.startsWith('crosscheck-serve'));
    expect(pods).toHaveLength(2);
    for (const { containers } of pods)
      expect(containers[0]?.env).toContainEqual({ name: 'ORT_DISABLE_TELEMETRY', value: '1' });
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
  test.each(jobs)('of the pods of %s is closed but for what they need', (file) => {
    const resources = read(inJobs(file));
    const [job] = resources as unknown as { spec: { template: { metadata: { labels: Record<string, string> } } } }[];
    const allowed = egressOf(resources, job?.spec.template.metadata.labels as Record<string, string>);
    expect(allowed).toEqual(expect.arrayContaining([53, 443]));
    expect(allowed).toHaveLength(3);
  });

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

describe('jobs', () => {
  test.each(jobs)('%s is valid', (file) => {
    expect(validate(inJobs(file))).toContain('passed for resource job/');
  });

  test('scoring has as many completions as workers, and arguments that compose', () => {
    const [job] = read(inJobs('batch-scoring.yaml'));
    const args = job?.spec.template.spec.containers[0]?.args ?? [];
    expect(args).toContain(`score.workers=${job?.spec.completions}`);
    const script = 'packages/scoring/src/bin/score.ts';
    const composed = run(process.execPath, ['--conditions=@crosscheck/source', script, ...args, '--cfg', 'job']);
    expect(composed).toContain('output: s3://posts/scored');
  });

  test('the sweep has as many settings as completions; they compose, each is read, and no two are the same', () => {
    const [job] = read(inJobs('sweep.yaml'));
    const settings = /set -- (.*)/.exec(shellOf(job))?.[1]?.split(' ') ?? [];
    expect(settings).toHaveLength(job?.spec.completions as number);
    const configs = settings.map((setting, index) => {
      const overrides = overridesOf(job, index);
      const { config } = composeConfig({
        configName: 'config',
        schema: trainConfigSchema,
        overrides,
        reads: trainReads,
      });
      expect(config.training.phases?.finetune).toMatchObject({ learning_rate: Number(setting.split(',')[0]) });
      expect(config.training.seed).toBe(Number(setting.split(',')[1]));
      return JSON.stringify({ ...config, training: { ...config.training, version: '' } });
    });
    expect(new Set(configs).size).toBe(settings.length);
  });
});

const shellOf = (job: Resource | undefined) => job?.spec.template.spec.containers[0]?.args?.[0] ?? '';

/** What the shell of an Indexed Job gives to `train`. */
function overridesOf(job: Resource | undefined, index: number): string[] {
  const script = shellOf(job).replace(/exec [^\n]*?\btrain(?:\.[jt]s)?(?= )/, 'echo');
  const variables = [`JOB_COMPLETION_INDEX=${index}`, 'MLFLOW_TRACKING_URI=http://mlflow:5000'];
  return run('env', [...variables, 'sh', '-c', script])
    .trim()
    .split(/\s+/);
}

describe('a signal', () => {
  const files = [
    'Dockerfile-train',
    'Dockerfile-serve',
    'docker-compose.yaml',
    ...jobs.map((job) => `k8s/jobs/${job}`),
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
