export { reasonOf } from './errors.ts';
export { fetchWhole } from './fetch-whole.ts';
export { type HttpAnswer, type HttpRequest, readAtMost, request } from './request.ts';
