import type { AbstainBand } from '@crosscheck/contract';
import { type MaybePrediction, withBand } from '../abstaining.ts';
import type { Explanation, ModalityEffect } from './explanation.ts';

/** The explanation as files and answers carry it: the names of `POST /predict`, and what the effects are measured in. */
export function explanationToJson(explanation: Explanation, band: AbstainBand | null = null) {
  const { prediction, picture, words, neither, interaction, heatMap, wordWeights, passes } = explanation;
  return {
    ...verdictToJson(withBand(prediction, band)),
    ...(prediction.modalities && { modalities: prediction.modalities }),
    effects: 'log-odds of FAKE: positive speaks for FAKE, negative for REAL',
    picture: effectToJson(picture),
    text: effectToJson(words),
    interaction,
    neither: verdictToJson(neither),
    heat_map: heatMap,
    words: wordWeights,
    passes,
  };
}

export type ExplanationJson = ReturnType<typeof explanationToJson>;

function verdictToJson({ prediction, probabilityFake, confidence, labelId }: MaybePrediction) {
  return { prediction, probability_fake: probabilityFake, confidence, label_id: labelId };
}

function effectToJson({ alone, contribution, share }: ModalityEffect) {
  return { contribution, share, alone: verdictToJson(alone) };
}
