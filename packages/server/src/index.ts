export { type App, type AppOptions, buildApp } from './build-app.ts';
export type { ServeSettings } from './routes/context.ts';
export { serve } from './serve.ts';
export { Service } from './service.ts';
