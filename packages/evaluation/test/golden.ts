import { readFileSync } from 'node:fs';
import type { Confusion, MetricName } from '../src/index.ts';

interface GoldenCase {
  name: string;
  probabilities: number[];
  labels: number[];
  threshold: number;
  confusion: Confusion;
  metrics: Record<MetricName, number>;
  roc: Record<'fpr' | 'tpr' | 'threshold', number[]>;
  precisionRecall: Record<'precision' | 'recall' | 'threshold', number[]>;
  calibration: Record<'shareFake' | 'meanProbability', number[]>;
}

interface Golden {
  source: string;
  bins: number;
  cases: GoldenCase[];
  wilson: Record<'successes' | 'trials' | 'confidence' | 'low' | 'high', number>[];
  temperatures: { name: string; logits: number[]; labels: number[]; temperature: number; loss: number }[];
}

/** Made by scripts/golden/metrics.py with scikit-learn and SciPy; `source` names the versions. */
export const golden: Golden = JSON.parse(readFileSync(new URL('./golden/metrics.json', import.meta.url), 'utf8'));
