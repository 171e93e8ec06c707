import { createRandom } from '@crosscheck/contract';
import { createAdamW, type Model, oneCycle } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';

/** A labelled set for one backbone: N examples of K kinds. */
export interface KindSet<Inputs> {
  size: number;
  /** Kind of each example, in [0, K). */
  kinds: Int32Array;
  /** The inputs of some examples: images [B, S, S, 3], which belong to the caller, or texts. */
  inputs(rows: Int32Array): Inputs;
}

export interface Pretraining<Inputs> {
  model: Model;
  /** Name prefix of the backbone's variables. */
  prefix: string;
  /** Width of its features. */
  width: number;
  kinds: number;
  encode(inputs: Inputs, training: { seed: number } | null): tf.Tensor2D;
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
}

/** Teaches a backbone to tell the kinds apart, through a linear classifier that is thrown away. @returns validation accuracy */
export function pretrain<Inputs>(
  task: Pretraining<Inputs>,
  train: KindSet<Inputs>,
  validation: KindSet<Inputs>,
  say: (line: string) => void,
): number {
  const classifier = {
    weight: tf.variable(tf.randomNormal([task.width, task.kinds], 0, 0.05, 'float32', task.seed)),
    bias: tf.variable(tf.zeros([task.kinds])),
  };
  const names = [...task.model.variables.keys()].filter((name) => name.startsWith(task.prefix));
  const variables = new Map<string, tf.Variable>([
    ...names.map((name) => [name, task.model.variables.get(name) as tf.Variable] as const),
    ['classifier.weight', classifier.weight],
    ['classifier.bias', classifier.bias],
  ]);
  const judge = (features: tf.Tensor2D) =>
    tf.add(tf.matMul(features, classifier.weight as tf.Tensor2D), classifier.bias); // [B, K]
  const stepsPerEpoch = Math.ceil(train.size / task.batchSize);
  const schedule = oneCycle({ maxLr: task.learningRate, totalSteps: stepsPerEpoch * task.epochs });
  const optimizer = createAdamW({ weightDecay: 0.01 });
  let [step, accuracy] = [0, 0];
  for (let epoch = 0; epoch < task.epochs; epoch++) {
    const order = createRandom(task.seed, 'pretrain', epoch).shuffle(
      Int32Array.from({ length: train.size }, (_, i) => i),
    );
    for (let begin = 0; begin < train.size; begin += task.batchSize) {
      const rows = order.subarray(begin, begin + task.batchSize);
      const { value, grads } = tf.variableGrads(() => {
        const logits = judge(task.encode(train.inputs(rows), { seed: task.seed + step })); // [B, K]
        const truth = tf.oneHot(tf.tensor1d(kindsOf(train, rows), 'int32'), task.kinds); // [B, K]
        return tf.losses.softmaxCrossEntropy(truth, logits) as tf.Scalar;
      }, [...variables.values()]);
      const named = new Map(
        [...variables].flatMap(([name, { name: key }]) => (grads[key] ? [[name, grads[key]] as const] : [])),
      );
      optimizer.step(variables, named, { ...schedule(step), clipNorm: 1 });
      tf.dispose([value, grads]);
      step += 1;
    }
    accuracy = measure(task, validation, judge);
    say(`epoch ${epoch + 1}/${task.epochs}: ${(100 * accuracy).toFixed(1)} % of the validation examples`);
  }
  return accuracy;
}

const kindsOf = (set: Pick<KindSet<unknown>, 'kinds'>, rows: Int32Array) =>
  Int32Array.from(rows, (row) => set.kinds[row] as number);

function measure<Inputs>(
  task: Pretraining<Inputs>,
  set: KindSet<Inputs>,
  judge: (features: tf.Tensor2D) => tf.Tensor,
): number {
  const rows = Int32Array.from({ length: set.size }, (_, i) => i);
  let right = 0;
  for (let begin = 0; begin < set.size; begin += task.batchSize) {
    const part = rows.subarray(begin, begin + task.batchSize);
    const answers = tf.tidy(() => tf.argMax(judge(task.encode(set.inputs(part), null)), 1).dataSync());
    right += kindsOf(set, part).filter((kind, i) => kind === answers[i]).length;
  }
  return right / set.size;
}
