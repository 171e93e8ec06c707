import type { InferenceConfig } from '@crosscheck/config';
import type { FastifyRequest } from 'fastify';
import type { Line } from '../http/admission.ts';
import type { BodyBudget } from '../http/read-body.ts';
import type { Service } from '../service.ts';

/** `serve.*` of the config. */
export type ServeSettings = InferenceConfig['serve'];

/** What routes share. */
export interface RouteContext {
  service: Service;
  settings: ServeSettings;
  budget: BodyBudget;
  /** Throws when the request may not ask the model. */
  admit: (request: FastifyRequest, line?: Line) => void;
}
