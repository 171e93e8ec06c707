import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { findRenderer, render } from '../kubernetes/render.ts';
import { ofKind, podsOf, type Resource, read } from './job-manifests.ts';
import { python, run } from './tools.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const renderer = findRenderer();
const overlay = `${repositoryRoot}/k8s/overlays/canary`;
const named = (resources: Resource[], kind: string, name: string) =>
  ofKind(resources, kind).find(({ metadata }) => metadata.name === name) as unknown as { spec: Record<string, never> };

describe.skipIf(renderer === null)('the canary overlay (skipped: neither kustomize nor kubectl is installed)', () => {
  let resources: Resource[];
  beforeAll(() => {
    const file = path.join(folder.dir, 'canary.yaml');
    writeFileSync(file, render(overlay));
    resources = read(file);
  });

  test('is valid by Kubernetes’ own schemas', () => {
    const known = resources.filter(({ kind }) => kind !== 'HTTPRoute');
    const file = path.join(folder.dir, 'known.yaml');
    writeFileSync(file, known.map((resource) => stringify(resource)).join('---\n'));
    const interpreter = python('kubernetes', 'kubernetes-validate==1.37.0');
    const validator = path.join(path.dirname(interpreter), 'kubernetes-validate');
    const passed = run(validator, ['--strict', '-k', '1.34', file]).match(/passed for resource/g) ?? [];
    expect(passed).toHaveLength(known.length);
  });

  test('has a route that Gateway API’s own schema takes, and would not take with a slip', () => {
    const route = ofKind(resources, 'HTTPRoute')[0] as unknown as ConstructorParameters<typeof HTTPRoute>[0];
    expect(() => new HTTPRoute(route).validate()).not.toThrow();
    const broken = JSON.parse(JSON.stringify(route).replace('"weight":10', '"weight":"10"'));
    expect(() => new HTTPRoute(broken).validate()).toThrow(/weight/);
  });

  test('sends every part of the traffic to a service that selects pods, and to one kind of them', () => {
    const { rules } = named(resources, 'HTTPRoute', 'crosscheck').spec as unknown as {
      rules: { backendRefs: { name: string; port: number; weight: number }[] }[];
    };
    const backends = rules[0]?.backendRefs ?? [];
    expect(backends.reduce((total, { weight }) => total + weight, 0)).toBe(100);
    for (const { name, port } of backends) {
      const { selector, ports } = named(resources, 'Service', name).spec as unknown as {
        selector: Record<string, string>;
        ports: { port: number }[];
      };
      expect(ports.map((each) => each.port)).toContain(port);
      const selected = ofKind(resources, 'Deployment').filter((deployment) => {
        const { labels } = (deployment.spec as unknown as { template: { metadata: { labels: object } } }).template
          .metadata;
        return Object.entries(selector).every(([key, value]) => (labels as Record<string, string>)[key] === value);
      });
      expect(selected.map(({ metadata }) => metadata.name)).toEqual([name]);
    }
  });

  test('has pods for the candidate that differ from the model’s in their image alone', () => {
    const specOf = (name: string) =>
      podsOf(ofKind(resources, 'Deployment').filter(({ metadata }) => metadata.name === name))[0]?.spec;
    const withoutImage = (spec: unknown) => JSON.stringify(spec).replace(/"image":"[^"]*"/, '"image":""');
    const model = { ...specOf('crosscheck'), topologySpreadConstraints: undefined };
    expect(JSON.parse(withoutImage(specOf('crosscheck-candidate')))).toEqual(JSON.parse(withoutImage(model)));
    expect(specOf('crosscheck-candidate')?.containers[0]?.image).toBe('registry.example.com/crosscheck-serve:1.9');
  });
});

test('docs/deployment.md names the overlay', () => {
  expect(readFileSync(`${repositoryRoot}/docs/deployment.md`, 'utf8')).toContain('k8s/overlays/canary');
});
