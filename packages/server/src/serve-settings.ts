import type { InferenceConfig } from '@crosscheck/config';

/** `serve.*` of the config. */
export type ServeSettings = InferenceConfig['serve'];
