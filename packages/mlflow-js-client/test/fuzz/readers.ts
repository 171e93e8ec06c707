import { parseMeta } from '../../src/stores/file/meta-yaml.ts';

const meta = Buffer.from(`artifact_location: file:///tmp/mlruns/1
creation_time: 1700000000000
name: 'a ''b'''
tags:
  a: b
  c: "d\\n"
end_time: null
aliases: {"champion": "1"}
long: one
  two
`);

// This package knows nothing of the others: these are targets of @crosscheck/testkit.
export const targets = [
  {
    name: 'mlflow-meta',
    seeds: () => [meta],
    codes: ['INVALID_STATE'],
    read: (bytes: Buffer) => parseMeta(bytes.toString(), 'meta.yaml'),
  },
];
