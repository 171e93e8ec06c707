import type { Classifier, MaybePrediction } from '@crosscheck/inference';
import { z } from 'zod';
import type { InferRequest } from './infer-request.ts';

const outputTensor = z.object({
  name: z.string(),
  datatype: z.enum(['BYTES', 'FP32', 'INT64']),
  shape: z.array(z.int()),
  data: z.array(z.union([z.number(), z.string()])),
});

export const inferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(outputTensor),
});

type OutputTensor = z.infer<typeof outputTensor>;

export const outputs: {
  name: string;
  datatype: OutputTensor['datatype'];
  read: (p: MaybePrediction) => number | string;
}[] = [
  { name: 'prediction', datatype: 'BYTES', read: ({ prediction }) => prediction },
  { name: 'label_id', datatype: 'INT64', read: ({ labelId }) => labelId },
  { name: 'probability_fake', datatype: 'FP32', read: ({ probabilityFake }) => probabilityFake },
  { name: 'confidence', datatype: 'FP32', read: ({ confidence }) => confidence },
  { name: 'logit', datatype: 'FP32', read: ({ logit }) => logit },
];

/** Only where a post lacks a part. */
const modalitiesOutput = {
  name: 'modalities',
  datatype: 'BYTES' as const,
  read: ({ modalities = ['image', 'text'] }: MaybePrediction) => modalities.join('+'),
};

export function respond(
  { artifact }: Classifier,
  request: InferRequest,
  predictions: MaybePrediction[],
): z.infer<typeof inferResponse> {
  const wanted = request.outputs?.map(({ name }) => name);
  return {
    model_name: artifact.name,
    model_version: artifact.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    outputs: [...outputs, ...(predictions.some(({ modalities }) => modalities) ? [modalitiesOutput] : [])]
      .filter(({ name }) => wanted?.includes(name) ?? true)
      .map(({ name, datatype, read }) => ({
        name,
        datatype,
        shape: [predictions.length],
        data: predictions.map(read),
      })),
  };
}
