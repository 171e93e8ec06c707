import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { composeConfig, trainConfigSchema, trainReads } from '../../packages/config/src/index.ts';
import { epochMetricNames } from '../../packages/contract/src/index.ts';
import { printedName } from '../../packages/trainer/src/consumers/print-metrics.ts';
import { findPlacement } from '../../packages/trainer/src/distributed/placement/find-placement.ts';
import {
  argumentsOf,
  type Container,
  inJobs,
  jobFiles,
  jobSpecsOf,
  ofKind,
  podsOf,
  type Resource,
  readJob,
} from './job-manifests.ts';
import { python, run } from './tools.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

let validator: string;
let customResources: string;
beforeAll(() => {
  validator = path.join(path.dirname(python('kubernetes', 'kubernetes-validate==1.37.0')), 'kubernetes-validate');
  const packages = ['kubeflow-trainer-api==2.3.0', 'kubeflow-katib-api==0.19.0', 'kubeflow-training==1.9.4'];
  customResources = python('kubeflow', ...packages, 'pyyaml==6.0.2');
}, 600_000);

let written = 0;
function write(...resources: object[]): string {
  const file = path.join(folder.dir, `${written++}.yaml`);
  writeFileSync(file, resources.map((resource) => stringify(resource)).join('---\n'));
  return file;
}

const validate = (file: string) => run(validator, ['--strict', '-k', '1.34', file]);
const check = (...files: string[]) =>
  JSON.parse(run(customResources, ['deploy/test/check-custom-resources.py', ...files])) as {
    seen: string[];
    problems: string[];
  };

/** The first resource of a kind. */
function only<Spec>(name: string, kind: string): { name: string; spec: Spec } {
  const [resource] = ofKind(readJob(name), kind);
  if (!resource) throw new Error(`${name} has no ${kind}`);
  return { name: resource.metadata.name, spec: resource.spec as Spec };
}

const isBuiltIn = ({ apiVersion }: Resource) => /^(v1|(apps|batch|networking\.k8s\.io)\/v1)$/.test(apiVersion);
const firstContainer = (resources: Resource[]) => podsOf(resources)[0]?.spec.containers[0] as Container;

describe('manifests of jobs', () => {
  test.each(jobFiles)('%s is valid, and so are the Jobs that controllers make of it', (name) => {
    const resources = readJob(name);
    const jobs = jobSpecsOf(resources.filter((resource) => !isBuiltIn(resource))).map((spec) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'made' },
      spec,
    }));
    const checked = [...resources.filter(isBuiltIn), ...jobs];
    expect(validate(write(...checked)).match(/passed for resource/g)).toHaveLength(checked.length);
    // The API server asks for it where there is a podFailurePolicy.
    const others = jobs.filter(
      ({ spec }) => 'podFailurePolicy' in spec && spec.template.spec.restartPolicy !== 'Never',
    );
    expect(others).toEqual([]);
  });

  test("custom resources are what their projects' models have", () => {
    const { seen, problems } = check(...jobFiles.map(inJobs));
    expect(problems).toEqual([]);
    expect(seen).toEqual(['JobSet', 'TFJob', 'TrainingRuntime', 'TrainJob', 'Experiment']);
  });

  test('a field that is misspelt, a wrong type and a value that nobody knows are refused', () => {
    const [jobset, trainjob, tfjob] = ['jobset', 'trainjob', 'tfjob'].map((kind) => `distributed-${kind}.yaml`);
    const katib = 'search-katib.yaml';
    const broken: [name: string | undefined, from: string, to: string, problem: RegExp][] = [
      [jobset, ': BlockingRecreate', ': blocking', /restartStrategy: 'blocking' is not allowed by .*jobset/],
      [jobset, 'maxRestarts:', 'maxRestart:', /maxRestart: JobsetV1alpha2FailurePolicy has no such field/],
      [jobset, 'backoffLimit: 0', 'backoffLimit: none', /backoffLimit: .*integer/],
      [trainjob, 'numNodes: 4', 'nodes: 4', /nodes: TrainerV1alpha1Trainer has no such field/],
      [tfjob, 'cleanPodPolicy: Running', 'cleanPodPolicy: running', /cleanPodPolicy: 'running' is not allowed/],
      [tfjob, 'runAsNonRoot', 'runAsNonroot', /runAsNonroot: V1PodSecurityContext has no such field/],
      [tfjob, 'backoffLimit: 10', 'backoffLimit: ten', /backoffLimit: expected int, got 'ten'/],
      [katib, 'maxTrialCount', 'maxTrials', /maxTrials: V1beta1ExperimentSpec has no such field/],
      [katib, 'parameterType: double', 'parameterType: float', /parameterType: 'float' is not allowed/],
      [katib, 'objectiveMetricName', 'objectiveMetric', /objective.objectiveMetricName is missing/],
    ];
    const files = broken.map(([name = '', from, to], i) => {
      const text = readJob(name)
        .map((resource) => stringify(resource))
        .join('---\n');
      expect(text).toContain(from);
      const file = path.join(folder.dir, `broken-${i}.yaml`);
      writeFileSync(file, text.replace(from, to));
      return file;
    });
    const { problems } = check(...files);
    for (const [i, [, , , problem]] of broken.entries())
      expect(problems.filter((line) => line.startsWith(`${files[i]}: `)).join('\n')).toMatch(problem);
  });

  test('every pod keeps to the restricted profile of Pod Security', () => {
    const pods = jobFiles.flatMap((name) => podsOf(readJob(name)));
    expect(pods).toHaveLength(jobFiles.length);
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(spec.automountServiceAccountToken).toBe(false);
      for (const { securityContext } of spec.containers)
        expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
  });
});

// What each job gives to `train`.

/** A working directory, with a saved state in a run folder where there shall be one. */
function workingFolder(runDir?: string): string {
  const dir = path.join(folder.dir, `work-${written++}`);
  mkdirSync(path.join(dir, runDir ?? '.'), { recursive: true });
  if (runDir !== undefined) writeFileSync(path.join(dir, runDir, 'training_state.safetensors'), '');
  return dir;
}

const envOf = ({ env = [] }: Container) => Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));

interface TrainJob {
  trainer: { numNodes: number; numProcPerNode: number; args: string[]; env: { name: string; value: string }[] };
}

interface JobSet {
  failurePolicy: { restartStrategy: string };
  replicatedJobs: { name: string }[];
}

interface TFJob {
  tfReplicaSpecs: { Worker: { replicas: number } };
}

interface FeasibleSpace {
  min?: string | number;
  max?: string | number;
  list?: string[];
  distribution?: string;
}

interface Experiment {
  objective: { objectiveMetricName: string; additionalMetricNames: string[] };
  parameters: { name: string; feasibleSpace: FeasibleSpace }[];
  maxTrialCount: number;
  trialTemplate: { trialParameters: { name: string; reference: string }[]; primaryContainerName: string };
}
const experiment = () => only<Experiment>('search-katib.yaml', 'Experiment').spec;

/** What a Job, JobSet or TFJob starts, with variables of its controller. */
function startedBy(name: string, variables: Record<string, string>, runDir?: string): string[] {
  const container = firstContainer(readJob(name));
  const command = [...(container.command ?? []), ...(container.args ?? [])];
  return argumentsOf(command, { env: { ...envOf(container), ...variables }, folder: workingFolder(runDir) });
}

/** A TrainJob's arguments and variables take the place of its runtime's. */
function startedByTrainer(runDir?: string): string[] {
  const resources = readJob('distributed-trainjob.yaml');
  const { trainer } = only<TrainJob>('distributed-trainjob.yaml', 'TrainJob').spec;
  const container = firstContainer(resources);
  const env = { ...envOf(container), ...envOf({ ...container, env: trainer.env }) };
  return argumentsOf([...(container.command ?? []), ...trainer.args], { env, folder: workingFolder(runDir) });
}

/** As pkg/webhook/v1beta1/pod of kubeflow/katib wraps the first container: command and arguments in one line of a shell, an early stop, a mark at the end. */
function startedByKatib(values: Record<string, string>): string[] {
  const { command = [], args = [] } = firstContainer(readJob('search-katib.yaml'));
  const { trialParameters } = experiment().trialTemplate;
  const fill = (text: string) =>
    trialParameters.reduce(
      (filled, { name, reference }) => filled.replaceAll(`\${trialParameters.${name}}`, values[reference] ?? ''),
      text,
    );
  const dir = workingFolder();
  const wrapped = [...command, ...args]
    .map(fill)
    .concat(`1>${dir}/metrics.log`, '2>&1', '||', 'exit 1', '&&', `cat ${dir}/metrics.log`);
  return argumentsOf(['sh', '-c', wrapped.join(' ')], { env: {}, folder: dir });
}

const firstTrial = (): Record<string, string> => ({
  ...Object.fromEntries(
    experiment().parameters.map(({ name, feasibleSpace: { min, list } }) => [name, String(min ?? list?.[0])]),
  ),
  '${trialSpec.Name}': 'crosscheck-search-7xk2p',
});

const compose = (overrides: string[]) =>
  composeConfig({ configName: 'config', schema: trainConfigSchema, overrides, reads: trainReads }).config;

const ranks = ['0', '1', '2', '3'];
const settings = ['0', '1', '2', '3', '4', '5'];
const started: [what: string, overrides: (runDir?: string) => string[]][] = [
  ...settings.map((index): (typeof started)[number] => [
    `sweep.yaml, index ${index}`,
    (dir) => startedBy('sweep.yaml', { JOB_COMPLETION_INDEX: index }, dir),
  ]),
  ...ranks.map((rank): (typeof started)[number] => [
    `distributed-jobset.yaml, rank ${rank}`,
    (dir) => startedBy('distributed-jobset.yaml', { JOB_COMPLETION_INDEX: rank }, dir),
  ]),
  ['distributed-tfjob.yaml', (dir) => startedBy('distributed-tfjob.yaml', {}, dir)],
  ['distributed-trainjob.yaml', (dir) => startedByTrainer(dir)],
];

describe('what a job starts', () => {
  test.each(started)('composes, and every key is read: %s', (_, overridesOf) => {
    const overrides = overridesOf();
    expect(overrides).toContain('experiment=two_phase');
    expect(compose(overrides).training.resume).toBeNull();
  });

  test.each(started)('goes on from its own state after a restart: %s', (_, overridesOf) => {
    const runDir = /^hydra\.run\.dir=(.*)$/.exec(
      overridesOf().find((override) => override.startsWith('hydra.run.dir=')) ?? '',
    )?.[1];
    expect(runDir).toMatch(/^outputs\//);
    expect(compose(overridesOf(runDir)).training.resume).toBe(runDir);
  });

  test('scoring has as many completions as workers, and arguments that compose', () => {
    const [job] = jobSpecsOf(readJob('batch-scoring.yaml'));
    const args = startedBy('batch-scoring.yaml', {});
    expect(args).toContain(`score.workers=${job?.completions}`);
    const script = 'packages/scoring/src/bin/score.ts';
    const composed = run(process.execPath, ['--conditions=@crosscheck/source', script, ...args, '--cfg', 'job']);
    expect(composed).toContain('output: s3://posts/scored');
  });

  test('every index of the sweep is another run', () => {
    expect(jobSpecsOf(readJob('sweep.yaml'))[0]?.completions).toBe(settings.length);
    const runs = settings.map((index) => {
      const { training, ...config } = compose(startedBy('sweep.yaml', { JOB_COMPLETION_INDEX: index }));
      return JSON.stringify({ ...config, training: { ...training, version: '' } });
    });
    expect(new Set(runs).size).toBe(settings.length);
  });
});

describe('workers', () => {
  test('of the JobSet are as many as hosts, have the names that the controller gives them, and never come back alone', () => {
    const { name, spec } = only<JobSet>('distributed-jobset.yaml', 'JobSet');
    const { failurePolicy, replicatedJobs } = spec;
    const [job] = jobSpecsOf(readJob('distributed-jobset.yaml'));
    const hosts = compose(startedBy('distributed-jobset.yaml', { JOB_COMPLETION_INDEX: '0' })).training.distributed
      .hosts;
    expect(hosts).toEqual(ranks.map((rank) => `${name}-${replicatedJobs[0]?.name}-0-${rank}.${name}:29500`));
    expect(job).toMatchObject({
      completions: hosts?.length,
      parallelism: hosts?.length,
      completionMode: 'Indexed',
      backoffLimit: 0,
    });
    expect(failurePolicy.restartStrategy).toBe('BlockingRecreate');
  });

  test.each(started.filter(([what]) => what.startsWith('distributed')))(
    'have a part of each step: %s',
    (_, overridesOf) => {
      expect(compose(overridesOf()).training).toMatchObject({ accumulate_steps: ranks.length });
    },
  );
});

/** The variables that a controller sets for the worker of a rank. */
const controllers: Record<string, (rank: string) => Record<string, string>> = {
  'distributed-jobset.yaml': (rank) => ({ JOB_COMPLETION_INDEX: rank }),
  // pkg/runtime/framework/plugins/torch/torch.go of kubeflow/trainer
  'distributed-trainjob.yaml': (rank) => {
    const { name, spec } = only<TrainJob>('distributed-trainjob.yaml', 'TrainJob');
    const { trainer } = spec;
    return {
      JOB_COMPLETION_INDEX: rank,
      PET_NNODES: String(trainer.numNodes),
      PET_NPROC_PER_NODE: String(trainer.numProcPerNode),
      PET_NODE_RANK: rank,
      PET_MASTER_ADDR: `${name}-node-0-0.${name}`,
      PET_MASTER_PORT: '29500',
    };
  },
  // pkg/controller.v1/tensorflow/tensorflow.go of kubeflow/trainer v1.9.4
  'distributed-tfjob.yaml': (rank) => {
    const { name, spec } = only<TFJob>('distributed-tfjob.yaml', 'TFJob');
    const { replicas } = spec.tfReplicaSpecs.Worker;
    const worker = Array.from({ length: replicas }, (_, i) => `${name}-worker-${i}.crosscheck.svc:2222`);
    const task = { type: 'worker', index: Number(rank) };
    return { TF_CONFIG: JSON.stringify({ cluster: { worker }, task, environment: 'cloud' }) };
  },
};

const placedBy = Object.entries(controllers).flatMap(([name, variables]) =>
  ranks.map((rank) => [name, rank, variables(rank)] as const),
);

describe('a controller tells each worker its place', () => {
  test.each(placedBy)('%s, rank %s', (name, rank, variables) => {
    const overrides = name === 'distributed-trainjob.yaml' ? startedByTrainer() : startedBy(name, variables);
    const placement = findPlacement(compose(overrides), variables);
    expect(placement).toMatchObject({ rank: Number(rank), world: ranks.length });
    expect(placement?.master.host).toMatch(/-0\./);
  });
});

interface Search {
  hydra: { sweeper: { params: Record<string, string> } };
}

/** `choice(a, b)`, `interval(1, 2)` or `tag(log, interval(1, 2))` as Katib has it. */
function katibSpace(space: string): FeasibleSpace {
  const [, log, kind = '', inner = ''] = /^(tag\(log, )?(choice|interval)\(([^)]*)\)+$/.exec(space) ?? [];
  const values = inner.split(', ');
  if (kind === 'choice') return { list: values };
  return { min: Number(values[0]), max: Number(values[1]), ...(log && { distribution: 'logUniform' }) };
}

describe('the search', () => {
  test('composes for the ends of its space, and every key is read', () => {
    const { parameters, trialTemplate } = experiment();
    expect(trialTemplate.primaryContainerName).toBe(firstContainer(readJob('search-katib.yaml')).name);
    for (const {
      name,
      feasibleSpace: { min, max, list },
    } of parameters) {
      const values = list ?? [String(min), String(max)];
      const configs = values.map((value) =>
        JSON.stringify(compose(startedByKatib({ ...firstTrial(), [name]: value }))),
      );
      expect(new Set(configs).size, name).toBe(values.length);
    }
  });

  test('has the space of experiment=search, but for what only one loss reads', () => {
    const { params } = (parse(readFileSync(`${repositoryRoot}/configs/experiment/search.yaml`, 'utf8')) as Search).hydra
      .sweeper;
    const { 'training.loss.focal_gamma': _, ...shared } = params;
    const asKatib = Object.entries(shared).map(([name, space]) => [name, katibSpace(space)]);
    const numbers = ({ min, max, list, distribution }: FeasibleSpace): FeasibleSpace =>
      list ? { list } : { min: Number(min), max: Number(max), ...(distribution && { distribution }) };
    const { parameters, maxTrialCount } = experiment();
    expect(parameters.map(({ name, feasibleSpace }) => [name, numbers(feasibleSpace)])).toEqual(asKatib);
    expect(maxTrialCount).toBe(40);
  });

  test('gives the shell that Katib wraps around it nothing to interpret', () => {
    const { command = [], args = [] } = firstContainer(readJob('search-katib.yaml'));
    for (const word of [...command, ...args]) expect(word).toMatch(/^(?:[\w@%+=:,./-]|\$\{trialParameters\.\w+\})+$/);
  });

  test('fills every parameter into the trial', () => {
    const { parameters, trialTemplate } = experiment();
    const references = trialTemplate.trialParameters.map(({ reference }) => reference);
    expect(references.toSorted()).toEqual(['${trialSpec.Name}', ...parameters.map(({ name }) => name)].toSorted());
  });

  test('looks for metrics that training.print_metrics prints', () => {
    const { objectiveMetricName, additionalMetricNames } = experiment().objective;
    const printed = epochMetricNames.map(printedName);
    for (const name of [objectiveMetricName, ...additionalMetricNames]) expect(printed).toContain(name);
    const config = compose(startedByKatib(firstTrial()));
    expect(config.training.print_metrics).toBe(true);
    expect(printedName(config.training.early_stopping.metric)).toBe(objectiveMetricName);
  });
});

// What may reach the pods, and what they may reach.

interface Policy {
  podSelector: { matchLabels: Record<string, string> };
  policyTypes: string[];
  ingress: { from: { podSelector: { matchLabels: Record<string, string> } }[] }[];
  egress: { to?: object[]; ports?: { port: number }[] }[];
}
const policyOf = (name: string) => only<Policy>(name, 'NetworkPolicy');

/** Names, https, and what else each needs: MLflow, S3, Trainer's status server, Katib's database manager and early stopping. */
const ports: Record<string, number[]> = {
  'batch-scoring.yaml': [53, 443, 9000],
  'sweep.yaml': [53, 443, 5000],
  'distributed-jobset.yaml': [53, 443, 5000],
  'distributed-tfjob.yaml': [53, 443, 5000],
  'distributed-trainjob.yaml': [53, 443, 5000, 10443],
  'search-katib.yaml': [53, 443, 5000, 6788, 6789],
};

/** The label that a controller puts on the pods of a job, and its value. */
const jobLabels: Record<string, [label: string, kind: string]> = {
  'distributed-jobset.yaml': ['jobset.sigs.k8s.io/jobset-name', 'JobSet'],
  'distributed-trainjob.yaml': ['jobset.sigs.k8s.io/jobset-name', 'TrainJob'],
  'distributed-tfjob.yaml': ['training.kubeflow.org/job-name', 'TFJob'],
};

const controllersLabel = (name: string) => {
  const found = jobLabels[name];
  return found ? { [found[0]]: only(name, found[1]).name } : {};
};

describe('the network', () => {
  test.each(jobFiles)('of the pods of %s is closed but for what they need', (name) => {
    const { podSelector, policyTypes, egress } = policyOf(name).spec;
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(
      [...new Set(egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port)))].toSorted((a, b) => a - b),
    ).toEqual(ports[name]);
    const labels = { ...podsOf(readJob(name))[0]?.metadata.labels, ...controllersLabel(name) };
    expect(labels).toMatchObject(podSelector.matchLabels);
  });

  test.each(jobFiles.filter((name) => !(name in jobLabels)))('lets nothing in to %s', (name) => {
    expect(policyOf(name).spec.ingress).toEqual([]);
  });

  test.each(Object.keys(jobLabels))('of %s is open among its own workers, and to nobody else', (name) => {
    const { podSelector, ingress, egress } = policyOf(name).spec;
    const workers = controllersLabel(name);
    expect(podSelector.matchLabels).toEqual(workers);
    expect(ingress).toEqual([{ from: [{ podSelector: { matchLabels: workers } }] }]);
    expect(egress.filter((rule) => rule.ports === undefined)).toEqual([
      { to: [{ podSelector: { matchLabels: workers } }] },
    ]);
  });
});

test('every manifest of k8s/jobs stands in docs/deployment.md', () => {
  const docs = run('cat', [path.join(repositoryRoot, 'docs/deployment.md')]);
  for (const name of jobFiles) expect(docs).toContain(`k8s/jobs/${name}`);
});
