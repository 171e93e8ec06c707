import { render } from './render.ts';

const overlay = 'k8s/overlays/minikube';

/** The file that the flat manifest is kept in, and its text as the overlay has it now. */
export const flatManifest = {
  file: 'k8s-onnx-deployment.yaml',
  text: (root: string) =>
    `# Written by \`pnpm k8s:flat\` from ${overlay}; change that instead.\n${render(`${root}/${overlay}`)}`,
};
