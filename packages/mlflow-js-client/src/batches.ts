import { checkKey, encodeMetricValue, formatParam, LIMITS, truncateValue } from './limits.ts';
import type { Batch, MetricEntry } from './types.ts';

/** A metric as the server wants it. */
export interface WireMetric {
  key: string;
  value: number | string;
  timestamp: number;
  step: number;
  model_id?: string;
  dataset_name?: string;
  dataset_digest?: string;
}

interface WireTag {
  key: string;
  value: string;
}

export interface WireBatch {
  metrics: WireMetric[];
  params: WireTag[];
  tags: WireTag[];
}

/** A batch with keys checked, values as text and defaults filled in. */
export interface PreparedBatch extends WireBatch {
  truncated: string[];
}

/** Checks keys, turns values into text and cuts what is too long, noting the keys. */
export function prepareBatch(batch: Batch, now: number = Date.now()): PreparedBatch {
  const truncated: string[] = [];
  const shorten = (key: string, value: string, maxChars: number): WireTag => {
    if (value.length > maxChars) truncated.push(key);
    return { key, value: truncateValue(value, maxChars) };
  };
  const params = Object.entries(batch.params ?? {}).map(([key, value]) => {
    checkKey(key, 'param');
    return shorten(key, formatParam(value), LIMITS.paramValueChars);
  });
  const tags = Object.entries(batch.tags ?? {}).map(([key, value]) => shorten(key, value, LIMITS.tagValueChars));
  const metrics = (batch.metrics ?? []).map((metric) => prepareMetric(metric, now));
  return { metrics, params, tags, truncated };
}

function prepareMetric(metric: MetricEntry, now: number): WireMetric {
  checkKey(metric.key, 'metric');
  return {
    key: metric.key,
    value: encodeMetricValue(metric.value),
    timestamp: Math.round(metric.timestamp ?? now),
    step: Math.round(metric.step ?? 0),
    ...(metric.modelId === undefined ? {} : { model_id: metric.modelId }),
    ...(metric.datasetName === undefined ? {} : { dataset_name: metric.datasetName }),
    ...(metric.datasetDigest === undefined ? {} : { dataset_digest: metric.datasetDigest }),
  };
}

const KINDS = [
  { kind: 'params', limit: LIMITS.paramsPerBatch },
  { kind: 'tags', limit: LIMITS.tagsPerBatch },
  { kind: 'metrics', limit: LIMITS.metricsPerBatch },
] as const;

// Room for `{"run_id":"…","metrics":[],"params":[],"tags":[]}`.
const ENVELOPE_BYTES = 200;

/** Cuts a batch into pieces that the server accepts: counts per kind, items in all, bytes of JSON. */
export function* splitBatch(batch: WireBatch): Generator<WireBatch> {
  let chunk: WireBatch = { metrics: [], params: [], tags: [] };
  let items = 0;
  let bytes = ENVELOPE_BYTES;
  for (const { kind, limit } of KINDS) {
    for (const entry of batch[kind]) {
      const entryBytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
      const isFull = chunk[kind].length >= limit || items >= LIMITS.itemsPerBatch;
      if (items > 0 && (isFull || bytes + entryBytes > LIMITS.batchBytes)) {
        yield chunk;
        chunk = { metrics: [], params: [], tags: [] };
        items = 0;
        bytes = ENVELOPE_BYTES;
      }
      (chunk[kind] as (typeof entry)[]).push(entry);
      items += 1;
      bytes += entryBytes;
    }
  }
  if (items > 0) yield chunk;
}
