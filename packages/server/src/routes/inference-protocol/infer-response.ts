import type { Classifier, MaybePrediction } from '@crosscheck/inference';
import { z } from 'zod';
import { fieldsInvalid } from '../../http/error-body.ts';
import type { InferRequest } from './infer-request.ts';

const outputTensor = z.object({
  name: z.string(),
  datatype: z.enum(['BYTES', 'FP32', 'INT64']),
  shape: z.array(z.int()),
  parameters: z.object({ binary_data_size: z.int() }).optional(),
  data: z.array(z.union([z.number(), z.string()])).optional(),
});

export const inferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(outputTensor),
});

type Datatype = z.infer<typeof outputTensor>['datatype'];
type Value = number | string;

/** An output, and how it is wanted. */
interface Wanted {
  name: string;
  parameters?: { binary_data?: boolean | undefined } | undefined;
}

interface Output {
  name: string;
  datatype: Datatype;
  read: (prediction: MaybePrediction) => Value;
}

export const outputs: Output[] = [
  { name: 'prediction', datatype: 'BYTES', read: ({ prediction }) => prediction },
  { name: 'label_id', datatype: 'INT64', read: ({ labelId }) => labelId },
  { name: 'probability_fake', datatype: 'FP32', read: ({ probabilityFake }) => probabilityFake },
  { name: 'confidence', datatype: 'FP32', read: ({ confidence }) => confidence },
  { name: 'logit', datatype: 'FP32', read: ({ logit }) => logit },
];

/** Unless it is asked for, only where a post lacks a part. */
const modalitiesOutput: Output = {
  name: 'modalities',
  datatype: 'BYTES',
  read: ({ modalities = ['image', 'text'] }) => modalities.join('+'),
};
const known = new Map([...outputs, modalitiesOutput].map((output) => [output.name, output]));

/**
 * The names that a request asks for, before it costs anything.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function checkOutputs({ outputs: wanted = [] }: InferRequest): void {
  const unknown = wanted.find(({ name }) => !known.has(name));
  if (!unknown) return;
  const msg = `The model has no output "${unknown.name.slice(0, 100)}"; it has ${[...known.keys()].join(', ')}`;
  throw fieldsInvalid([{ type: 'value_error', loc: ['body', 'outputs'], msg }]);
}

/** The answer: JSON, and behind it the tensors that were asked for in binary. */
export interface InferAnswer {
  json: z.infer<typeof inferResponse>;
  tensors: Buffer[];
}

export function respond({ artifact }: Classifier, request: InferRequest, predictions: MaybePrediction[]): InferAnswer {
  const tensors: Buffer[] = [];
  const describe = ({ name, parameters }: Wanted) => {
    const { datatype, read } = known.get(name) as Output;
    const values = predictions.map(read);
    const tensor = { name, datatype, shape: [predictions.length] };
    if (!(parameters?.binary_data ?? request.parameters?.binary_data_output ?? false))
      return { ...tensor, data: values };
    const bytes = encoders[datatype](values);
    tensors.push(bytes);
    return { ...tensor, parameters: { binary_data_size: bytes.length } };
  };
  const json = {
    model_name: artifact.name,
    model_version: artifact.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    outputs: wantedOf(request, predictions).map(describe),
  };
  return { json, tensors };
}

function wantedOf({ outputs: wanted = [] }: InferRequest, predictions: MaybePrediction[]): Wanted[] {
  if (wanted.length > 0) return wanted;
  return predictions.some(({ modalities }) => modalities) ? [...outputs, modalitiesOutput] : outputs;
}

/** Little-endian. */
const encoders: Record<Datatype, (values: Value[]) => Buffer> = {
  BYTES: (values) => Buffer.concat(values.map((value) => withLength(Buffer.from(String(value))))),
  FP32: (values) => pack(values, 4, (bytes, value, at) => bytes.writeFloatLE(value, at)),
  INT64: (values) => pack(values, 8, (bytes, value, at) => bytes.writeBigInt64LE(BigInt(value), at)),
};

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function pack(values: Value[], size: number, write: (bytes: Buffer, value: number, at: number) => void): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  for (const [i, value] of values.entries()) write(bytes, Number(value), size * i);
  return bytes;
}
