import type { Architecture, Artifact, Decision, Operators, Preprocessing } from '@crosscheck/contract';
import type { WeightSource } from '@crosscheck/network';

/** Everything that an artifact folder is made of. */
export interface ArtifactContent extends Decision {
  /** Shown as the model's title. */
  name: string;
  version: string;
  architecture: Architecture;
  preprocessing: Preprocessing;
  metrics: Record<string, number>;
  source: Artifact['source'];
  opset: number;
  /** @default 'standard' */
  operators?: Operators;
  /** How the weights are stored. @default 'fp32' */
  precision?: Artifact['precision'];
  /** What another precision than fp32 was measured to change. */
  fidelity?: Artifact['fidelity'];
  /** What the finished folder gave: on posts with labels, and on a fixed one. */
  evaluation?: Artifact['evaluation'];
  selfCheck?: Artifact['selfCheck'];
  /** Text of the `tokenizer.json` that the model was trained with. */
  tokenizerJson: string;
  weights: WeightSource;
}
