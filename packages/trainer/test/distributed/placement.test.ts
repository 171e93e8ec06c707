import { composeConfig, trainConfigSchema } from '@crosscheck/config';
import { describe, expect, test, vi } from 'vitest';
import { findPlacement, refuseSweepOfWorkers } from '../../src/distributed/placement/find-placement.ts';

function place(env: Record<string, string>, ...overrides: string[]) {
  const { config } = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: overrides.map((override) => `training.distributed.${override}`),
  });
  return findPlacement(config, env);
}

const tfConfig = (cluster: object, task?: object) => ({ TF_CONFIG: JSON.stringify({ cluster, task }) });
const two = ['j-worker-0.ns.svc:2222', 'j-worker-1.ns.svc:2222'];
const worker = (index: number | string) => ({ type: 'worker', index });

describe('a worker’s place', () => {
  test.each([
    ['nothing is set', {}],
    ['TF_CONFIG is empty', { TF_CONFIG: '' }],
    ['TF_CONFIG has no cluster', { TF_CONFIG: '{}' }],
    ['TF_CONFIG has one worker', tfConfig({ worker: ['a:1'] }, worker(0))],
    ['a common name is set alone', { RANK: '1' }],
    ['a world of one is set', { RANK: '0', WORLD_SIZE: '1' }],
    ['one node', { PET_NNODES: '1', PET_NODE_RANK: '0', PET_MASTER_ADDR: 'a', PET_MASTER_PORT: '29500' }],
  ])('is alone where %s', (_, env) => {
    expect(place(env as Record<string, string>)).toBeNull();
  });

  test('is that of TF_CONFIG, a chief before the workers', () => {
    expect(place(tfConfig({ worker: two }, worker(1)))).toEqual({
      source: 'TF_CONFIG',
      rank: 1,
      world: 2,
      addresses: two,
      master: { host: 'j-worker-0.ns.svc', port: 2222 },
    });
    const cluster = { worker: two, chief: ['c:1'], evaluator: ['e:1'] };
    expect(place(tfConfig(cluster, worker('1')))).toMatchObject({ rank: 2, addresses: ['c:1', ...two] });
    expect(place(tfConfig(cluster, { type: 'chief', index: 0 }))).toMatchObject({ rank: 0, world: 3 });
    expect(place(tfConfig({ worker: ['[::1]:22', '[::2]:22'] }, worker(0)))?.master).toEqual({ host: '::1', port: 22 });
  });

  test('is that of torchrun, whose agent may have the port', () => {
    const env = { RANK: '2', WORLD_SIZE: '4', MASTER_ADDR: 'node-0', MASTER_PORT: '29500', PET_NNODES: '2' };
    const expected = { rank: 2, world: 4, addresses: null, master: { host: 'node-0', port: 29_500 } };
    const pet = { PET_NODE_RANK: '0', PET_MASTER_ADDR: 'a', PET_MASTER_PORT: '1' };
    expect(place({ ...env, ...pet })).toMatchObject(expected);
    const agent = { ...env, ...pet, TORCHELASTIC_USE_AGENT_STORE: 'True' };
    expect(place(agent)?.master).toEqual({ host: 'node-0', port: 29_501 });
  });

  test('is that of Kubeflow Trainer, with its torch and its JAX runtime', () => {
    const torch = { PET_NNODES: '2', PET_NPROC_PER_NODE: 'auto', PET_NODE_RANK: '1', PET_MASTER_ADDR: 't-node-0-0.t' };
    expect(place({ ...torch, PET_MASTER_PORT: '29400' })).toMatchObject({
      rank: 1,
      world: 2,
      master: { host: 't-node-0-0.t', port: 29_400 },
    });
    const jax = { JAX_NUM_PROCESSES: '3', JAX_PROCESS_ID: '0', JAX_COORDINATOR_ADDRESS: 't-node-0-0.t:6666' };
    expect(place(jax)).toMatchObject({ rank: 0, world: 3, master: { host: 't-node-0-0.t', port: 6666 } });
  });

  test('is that of an Indexed Job with training.distributed.hosts', () => {
    expect(place({ JOB_COMPLETION_INDEX: '1' }, 'hosts=[a-0.a:22,a-1.a:22]')).toMatchObject({
      rank: 1,
      addresses: ['a-0.a:22', 'a-1.a:22'],
    });
  });

  test('is not asked for by processes that a run starts itself', () => {
    expect(place({}, 'processes=2')).toBeNull();
    const started = {
      ...tfConfig({ worker: ['127.0.0.1:1', '127.0.0.1:2'] }, worker(1)),
      CROSSCHECK_STARTED_WORKER: '1',
    };
    expect(place(started, 'processes=2')?.rank).toBe(1);
  });
});

describe('what cannot be meant is refused with what to do', () => {
  const pet = { PET_NNODES: '2', PET_NODE_RANK: '1', PET_MASTER_ADDR: 'a', PET_MASTER_PORT: '1' };
  test.each<[string, Record<string, string>, RegExp]>([
    ['no JSON', { TF_CONFIG: '{"cluster"' }, /TF_CONFIG is not JSON/],
    ['another form', { TF_CONFIG: '{"cluster": [1]}' }, /TF_CONFIG cannot be used: .*it looks like/s],
    [
      'the sparse form',
      tfConfig({ worker: { 1: 'a:1' } }, worker(1)),
      /sparse form \(enableDynamicWorker\).*leave enable/,
    ],
    ['parameter servers', tfConfig({ worker: two, ps: ['p:1'] }, worker(0)), /parameter servers/],
    ['no task', tfConfig({ worker: two }), /no "task"/],
    ['another task', tfConfig({ worker: two }, worker(2)), /this is worker 2, .* those that do are worker 0, worker 1/],
    ['an evaluator', tfConfig({ worker: two, evaluator: ['e:1'] }, { type: 'evaluator', index: 0 }), /does not train/],
    ['an address twice', tfConfig({ worker: ['a:1', 'a:1'] }, worker(0)), /lists a:1 twice/],
    ['an address without a port', tfConfig({ worker: ['a', 'b:1'] }, worker(0)), /host:port, got "a"/],
    ['a port of no machine', tfConfig({ worker: ['a:70000', 'b:1'] }, worker(0)), /host:port, got "a:70000"/],
    ['a rank beyond the world', { RANK: '2', WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '1' }, /worker 2 of 2/],
    ['a rank that is no number', { RANK: 'x', WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '1' }, /RANK must be/],
    ['some of the common names', { RANK: '1', WORLD_SIZE: '2' }, /MASTER_ADDR, MASTER_PORT is not set/],
    ['a master without a rank', { WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '1' }, /RANK is not set/],
    [
      'two launchers that disagree',
      { ...tfConfig({ worker: two }, worker(1)), RANK: '0', WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '1' },
      /TF_CONFIG says that this is worker 1 of 2, but by RANK and WORLD_SIZE it is worker 0 of 2/,
    ],
    ['half of the variables', { PET_NNODES: '2', PET_NODE_RANK: '1' }, /PET_MASTER_ADDR, PET_MASTER_PORT is not set/],
    ['several processes in a pod', { ...pet, PET_NPROC_PER_NODE: '4' }, /set numProcPerNode to 1/],
    ['an elastic job', { ...pet, PET_NNODES: '1:4' }, /is a range/],
  ])('%s', (_, env, message) => {
    expect(() => place(env)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_CONFIG_WORKERS' }) as Error);
    expect(() => place(env)).toThrow(message);
  });

  test('hosts without a place among them, and processes beside a launcher', () => {
    expect(() => place({}, 'hosts=[a:1,b:1]')).toThrow(/JOB_COMPLETION_INDEX.*is not set/);
    expect(() => place({ JOB_COMPLETION_INDEX: '2' }, 'hosts=[a:1,b:1]')).toThrow(/this one is 0 to 1, got 2/);
    expect(() => place(tfConfig({ worker: two }, worker(0)), 'processes=2')).toThrow(
      /TF_CONFIG says that 2 were started/,
    );
    expect(() => place({ JOB_COMPLETION_INDEX: '0' }, 'hosts=[a,b:1]')).toThrow(/is host:port, got "a"/);
  });

  test('a sweep on every worker', () => {
    const { config } = composeConfig({ configName: 'config', schema: trainConfigSchema, overrides: [] });
    vi.stubEnv('TF_CONFIG', tfConfig({ worker: two }, worker(0)).TF_CONFIG);
    expect(() => refuseSweepOfWorkers(config)).toThrow(/a sweep \(-m\).*TF_CONFIG says that this is one of 2 workers/);
    vi.unstubAllEnvs();
    refuseSweepOfWorkers(config);
  });
});
