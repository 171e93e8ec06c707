import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { compose } from '../src/compose/compose.ts';
import { HydraError } from '../src/errors.ts';
import { resolveConfig } from '../src/interpolation/interpolator.ts';
import { toPlain } from '../src/tree/node.ts';
import { composeWithHydra, hydraPython, type Outcome } from './python/python.ts';

/** Configs that use every kind of defaults entry, so that random overrides meet odd combinations. */
const files: Record<string, string> = {
  'c1.yaml':
    'defaults:\n  - db: mysql\n  - srv/web: nginx\n  - optional exp: null\n  - _self_\nx: 1\ndb:\n  port: 9\nt: ${db.driver}-${srv.web.port}\n',
  'c2.yaml': 'defaults:\n  - _self_\n  - db@src: mysql\n  - db@dst: pg\n  - exp: null\nx: 1\n',
  'c3.yaml': 'defaults:\n  - c1\n  - override db: pg\n  - override srv/web: apache\n  - _self_\nx: 3\n',
  'c4.yaml':
    'defaults:\n  - db: ${srv/web}_db\n  - srv/web: nginx\n  - exp: null\n  - _self_\ny: {a: [1,2,{b: 3}], n: null, m: "???"}\nz: ${y.a.2.b}\nw: "${y.a[0]}${x.q}"\nx: {q: 5}\n',
  'c5.yaml': 'defaults:\n  - db: [mysql, base]\n  - srv/web@top: nginx\n  - srv@_global_: both\n  - _self_\n',
  'c6.yaml': 'defaults:\n  - srv: both\n  - _self_\na: ???\nb: ${srv.name}\n',
  'c7.yaml': 'defaults:\n  - base_schema\n  - exp: e4\n  - _self_\nd: {k: 1}\n',
  'base_schema.yaml': 'd: ${e}\ne: {k: 0, l: 2}\nlist: [1]\n',
  'db/mysql.yaml': 'driver: mysql\nport: 3306\nname: ${.driver}_x\nuser: ${oc.env:FZ_USER,root}\n',
  'db/pg.yaml': 'driver: pg\nport: 5432\nopts: {ssl: true, ca: null}\n',
  'db/base.yaml': 'host: localhost\n',
  'db/nginx_db.yaml': 'driver: nn\n',
  'db/apache_db.yaml': 'defaults:\n  - base\n  - pg\ndriver: aa\n',
  'db/derived.yaml': 'defaults:\n  - base\n  - _self_\n  - /srv/web@inner: nginx\ndriver: d\n',
  'srv/web/nginx.yaml': 'port: 80\nname: nginx\nup: ${.name}\n',
  'srv/web/apache.yaml': 'port: 8080\nname: apache\n',
  'srv/both.yaml': 'defaults:\n  - web: nginx\n  - web@alt: apache\n  - _self_\nname: both\nweb: {port: 81}\n',
  'exp/e1.yaml': '# @package _global_\ndefaults:\n  - override /db: pg\n  - _self_\nx: 7\n',
  'exp/e2.yaml':
    '# @package _global_\ndefaults:\n  - override /srv/web: apache\n  - /db@extra: pg\n  - _self_\nx: 8\nextra: {port: 1}\n',
  'exp/e3.yaml': '# @package foo.bar\nv: 1\n',
  'exp/e4.yaml': '# @package _global_\nd: {k: 5, z: 9}\nlist: [7,8]\n',
  'exp/e5.yaml': 'v: ${x}\nw: ???\n',
};

const pool = [
  'db=pg',
  'db=mysql',
  'db=derived',
  'db=base',
  'db=nope',
  'srv/web=apache',
  'srv/web=nginx',
  'exp=e1',
  'exp=e2',
  'exp=e3',
  'exp=e4',
  'exp=e5',
  '+exp=e1',
  '+exp=e2',
  '+exp@q=e5',
  '+exp@q.r=e3',
  'exp@exp=e1',
  '~db',
  '~exp',
  '~db=mysql',
  '~srv/web',
  'db@src=pg',
  'db@dst=mysql',
  'db@:x=pg',
  '+db@new=pg',
  '+db@_global_=pg',
  '+db@db.inner=pg',
  'x=5',
  'x=[1,2]',
  'x={a:1}',
  '+x=3',
  '++x=4',
  '++x.y=5',
  '+new.key=1',
  '+new={a:{b:1}}',
  'db.port=1',
  'db.port=null',
  'db={port:5}',
  'db={new:5}',
  '+db={new:5}',
  '++db.port.deep=3',
  '~x',
  '~x=1',
  '~x=2',
  '~db.port',
  'srv.web.port=1',
  '+srv.web.z=1',
  'y.a.0=9',
  'y.a.2.b=4',
  'y.a.9=1',
  'y.n=3',
  'y.n={q:1}',
  'y.n.q=1',
  '+y.n.q=1',
  'y.m=1',
  'x.q=${y.a.0}',
  'x="a b"',
  'x=a b',
  "x='\\${x}'",
  't=null',
  't=${x}',
  'a=1',
  'b=${c}',
  '+c=2',
  'web.port=3',
  'srv.name=${srv.web.name}_z',
  'srv.alt.port=0',
  'srv/web@srv.alt=nginx',
  'srv=both',
  'db=[pg,base]',
  'db=[mysql]',
  'exp=[e1,e2]',
  'x=1,2',
  'x=choice(1,2)',
  'x=int(3.7)',
  'x=str(5)',
  'x=sort(3,1)',
  'list=[3]',
  'list.0=5',
  'd.l=5',
  'd.k=7',
  'e.k=3',
  '+d.new=1',
  'd={k:3}',
  'top.port=5',
  'name=zz',
  'web.port=1',
  'alt.port=1',
  'x=???',
  'x=1e3',
  'x=0x1',
  'x=1_0',
  'x=true',
  'x=',
  '+x2=',
  '+x2=null',
  '+x2=null',
  'x=${oc.env:FZ_NO,null}',
  'x=${oc.select:nope,dflt}',
  'x=${oc.dict.keys:db}',
  'x=${oc.dict.values:db}',
  'x=${db}',
  'x=${db.port}0',
  'x=${.t}',
  'x=${..t}',
  'hydra.run.dir=abc',
  '+hydra.x=1',
  'hydra.nope=1',
  'hydra/job_logging=disabled',
  'hydra/nope=1',
];

const folder = temporaryFolder();
afterAll(folder.remove);
for (const [name, text] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(folder.dir, name)), { recursive: true });
  writeFileSync(path.join(folder.dir, name), text);
}

const primaries = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'];
const seed = Number(process.env.CROSSCHECK_TEST_SEED ?? 7);
const random = createRandom(seed, 'hydra-random');
const pick = <T>(items: T[]): T => items[random.int(items.length)] as T;
const cases = Array.from({ length: 300 }, () => ({
  config: pick(primaries),
  overrides: Array.from({ length: 1 + random.int(3) }, () => pick(pool)),
}));

/** Deleting a key whose value is null or an interpolation is refused there and done here, on purpose. */
const deliberate = /Could not delete from config\. '\S+' does not exist|Error merging override ~/;

function theirs({ raw, resolved, error }: Outcome): string {
  return error === undefined ? JSON.stringify([raw, resolved ?? 'refused']) : 'refused';
}

function ours(configName: string, overrides: string[]): string {
  const attempt = (body: () => unknown) => {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof HydraError)) throw error;
      return 'refused';
    }
  };
  return attempt(() => {
    const { config, hydra } = compose({ configName, sources: [{ provider: 'main', dir: folder.dir }], overrides });
    return JSON.stringify([toPlain(config), attempt(() => toPlain(resolveConfig(config, { hydra })))]);
  }) as string;
}

describe('random compositions', () => {
  test(`300 of them (seed ${seed}) come out as hydra-core's`, { timeout: 300_000 }, async ({ skip }) => {
    const outcomes = await hydraPython()
      .then((python) => composeWithHydra(python, { dir: folder.dir, cases }))
      .catch((error: Error) => skip(`real Hydra is not at hand: ${error.message.split('\n')[0]}`));
    const wrong = cases.flatMap(({ config, overrides }, index) => {
      const outcome = outcomes[index] as Outcome;
      const [expected, got] = [theirs(outcome), ours(config, overrides)];
      const isFine = got === expected || deliberate.test(outcome.error ?? '');
      return isFine ? [] : [{ config, overrides, expected: outcome.error ?? expected, got }];
    });
    expect(wrong).toEqual([]);
    expect(outcomes.filter((outcome) => outcome.error === undefined).length).toBeGreaterThan(60);
  });
});
