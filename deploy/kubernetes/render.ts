import { spawnSync } from 'node:child_process';

const renderers = [
  { command: 'kustomize', args: ['build'] },
  { command: 'kubectl', args: ['kustomize'] },
];

/** The program that turns overlays into manifests: kustomize, or the one that kubectl carries; null where there is neither. */
export function findRenderer(): (typeof renderers)[number] | null {
  return renderers.find(({ command, args }) => spawnSync(command, [...args, '--help']).status === 0) ?? null;
}

/** All manifests of a kustomize folder, as YAML. */
export function render(folder: string): string {
  const renderer = findRenderer();
  if (renderer === null)
    throw new Error('neither kustomize nor kubectl was found; install one of them to render k8s/overlays');
  const { status, stdout, stderr } = spawnSync(renderer.command, [...renderer.args, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${renderer.command} cannot render ${folder}: ${stderr.trim()}`);
  return stdout;
}
