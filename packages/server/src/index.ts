export { type App, type AppOptions, buildApp } from './build-app.ts';
export { serve } from './serve.ts';
export type { ServeSettings } from './serve-settings.ts';
export { Service } from './service.ts';
