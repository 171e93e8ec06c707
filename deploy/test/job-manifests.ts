import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { parseAllDocuments } from 'yaml';
import { run } from './tools.ts';

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string }[];
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: object;
  volumeMounts?: { name: string }[];
}

export interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: {
    restartPolicy?: string;
    terminationGracePeriodSeconds: number;
    automountServiceAccountToken: boolean;
    securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
    initContainers?: Container[];
    containers: Container[];
  };
}

/** A Job's spec, in a Job or in what makes Jobs. */
export interface JobSpec {
  completions?: number;
  parallelism?: number;
  backoffLimit?: number;
  completionMode?: string;
  template: PodTemplate;
}

export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  // Each kind has its own; what reads one names what it needs.
  spec: never;
}

export const parse = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Resource);
export const read = (file: string) => parse(readFileSync(file, 'utf8'));

/** Files of k8s/jobs. */
export const jobFiles = readdirSync(`${repositoryRoot}/k8s/jobs`);
export const inJobs = (name: string) => `${repositoryRoot}/k8s/jobs/${name}`;
export const readJob = (name: string) => read(inJobs(name));
export const ofKind = (resources: Resource[], kind: string) => resources.filter((resource) => resource.kind === kind);

/** The specs of the Jobs that a resource makes, as `kubectl` would show them. */
const jobSpecs: Record<string, (spec: never) => JobSpec[]> = {
  Deployment: (spec: JobSpec) => [spec],
  Job: (spec: JobSpec) => [spec],
  JobSet: ({ replicatedJobs }: { replicatedJobs: ReplicatedJob[] }) =>
    replicatedJobs.map(({ template }) => template.spec),
  TrainingRuntime: ({ template }: { template: { spec: { replicatedJobs: ReplicatedJob[] } } }) =>
    template.spec.replicatedJobs.map(({ template }) => template.spec),
  TFJob: ({ tfReplicaSpecs }: { tfReplicaSpecs: Record<string, { restartPolicy: string; template: PodTemplate }> }) =>
    Object.values(tfReplicaSpecs).map(({ restartPolicy, template }) => ({
      template: { ...template, spec: { ...template.spec, restartPolicy } },
    })),
  Experiment: ({ trialTemplate }: { trialTemplate: { trialSpec: { spec: JobSpec } } }) => [
    trialTemplate.trialSpec.spec,
  ],
};
interface ReplicatedJob {
  name: string;
  template: { spec: JobSpec };
}

export const jobSpecsOf = (resources: Resource[]) =>
  resources.flatMap(({ kind, spec }) => jobSpecs[kind]?.(spec) ?? []);
export const podsOf = (resources: Resource[]) => jobSpecsOf(resources).map(({ template }) => template);

/**
 * What a container's `node` is given behind the program, found by running its command with stand-ins for `node` and `tini`.
 * `folder` is its working directory.
 */
export function argumentsOf(
  command: readonly string[],
  { env, folder }: { env: Record<string, string>; folder: string },
) {
  const bin = path.join(folder, '.bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(standIns)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  const variables = Object.entries({ ...env, PATH: `${bin}:/usr/bin:/bin` }).map(([name, value]) => `${name}=${value}`);
  const printed = run('env', ['-i', ...variables, ...command], folder);
  const [, ...given] = printed.trimEnd().split('\n').slice(1); // --conditions=…, the program
  return given;
}

const standIns = {
  node: 'for argument; do printf "%s\\n" "$argument"; done',
  // As tini, it takes its own options first.
  tini: 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
  'tini-static': 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
};
