import { wrap } from '../wrap.ts';
import { type DiagnosisInput, factsOf } from './facts.ts';
import { type DiagnosisId, type Rule, rules } from './table.ts';

/** Something that is wrong with a model or its run. */
export interface Diagnosis {
  id: DiagnosisId;
  /** What is so, with the figures that show it. */
  sentence: string;
  /** What helps. */
  advice: string[];
}

/**
 * Says what is wrong with a model, and with the run that made it, the most serious first; nothing for a model that learned well.
 *
 * @example diagnose({ verdicts: verdictsOf(probabilities, labels, 0.5), epochs: history, settings: flattenConfig(config) })
 */
export function diagnose(input: DiagnosisInput): Diagnosis[] {
  const facts = factsOf(input);
  if (facts.rows === 0) return [];
  const found = (rules as readonly Rule[]).flatMap((rule) => {
    const sentence = rule.look(facts);
    return sentence === null ? [] : [{ rule, sentence }];
  });
  const hidden = new Set(found.flatMap(({ rule }) => rule.hides ?? []));
  return found
    .filter(({ rule }) => !hidden.has(rule.id))
    .map(({ rule, sentence }) => ({
      id: rule.id as DiagnosisId,
      sentence,
      advice: rule.remedies.map((remedy) => remedy(facts)).filter((text) => text !== ''),
    }));
}

/** What helps against some diagnoses, each piece once, those that name a key first. */
export function adviceOf(diagnoses: readonly Diagnosis[]): string[] {
  const pieces = [...new Set(diagnoses.flatMap(({ advice }) => advice))];
  return pieces.toSorted((a, b) => Number(b.includes('=')) - Number(a.includes('=')));
}

/** Diagnoses as lines for a terminal of 80 columns: what is so, then what helps. */
export function formatDiagnoses(diagnoses: readonly Diagnosis[]): string[] {
  const advice = adviceOf(diagnoses);
  return [
    ...diagnoses.flatMap(({ sentence }) => wrap(`! ${sentence}`, { indent: '  ' })),
    ...(advice.length > 0 ? ['What helps:', ...advice.flatMap((piece) => wrap(`  ${piece}`, { indent: '    ' }))] : []),
  ];
}

/** Diagnoses as tags of a tracked run. */
export function diagnosisTags(diagnoses: readonly Diagnosis[]): Record<string, string> {
  return {
    'crosscheck.diagnosis': diagnoses.map(({ id }) => id).join(',') || 'none',
    'crosscheck.diagnosis_text': diagnoses.map(({ sentence }) => sentence).join(' ') || 'nothing stands out',
  };
}
