import type { ErrorRow } from '../error-row.ts';

/** Codes of tensorflow. */
export const tensorflowErrors = {
  CROSSCHECK_TENSORFLOW_NOT_INSTALLED: {
    meaning: 'TensorFlow is needed and its runtime is not in the per-user cache, or too old for several workers',
    remedy: '`pnpm tensorflow:setup`',
  },
  CROSSCHECK_TENSORFLOW_PREREQUISITES: {
    meaning: 'Python 3, its pip or a C++ compiler is missing',
    remedy: 'install what the message names',
  },
  CROSSCHECK_TENSORFLOW_DOWNLOAD: {
    meaning: 'pip could not fetch the wheel or a CUDA library, or the wheel given does not exist',
    remedy: "check the network and pip's settings, or bring the wheel with `CROSSCHECK_TENSORFLOW_WHEEL`",
  },
  CROSSCHECK_TENSORFLOW_NOT_A_WHEEL: {
    meaning: 'the file is no TensorFlow wheel with a C library',
    remedy: 'use a wheel of TensorFlow 2.18 to 2.21',
  },
  CROSSCHECK_TENSORFLOW_BUILD: {
    meaning: 'the C++ compiler failed on the addon',
    remedy: 'use a compiler with C++17, set `CXX`',
  },
  CROSSCHECK_TENSORFLOW_SELF_TEST: {
    meaning: 'the runtime was built and computes wrongly or not at all',
    remedy: '`pnpm tensorflow:setup --force`; report what it printed',
  },
  CROSSCHECK_TENSORFLOW_UNKNOWN_FLAVOR: {
    meaning: 'a flavor other than auto, cpu, cuda',
    remedy: 'correct `--flavor` or `CROSSCHECK_TENSORFLOW_FLAVOR`',
  },
  CROSSCHECK_TENSORFLOW_PLATFORM: {
    meaning: 'no wheel exists for this platform and flavor',
    remedy: 'train on one of the platforms named, or in a container',
  },
} as const satisfies Record<string, ErrorRow>;
