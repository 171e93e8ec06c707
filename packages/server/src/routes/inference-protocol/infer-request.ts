import { z } from 'zod';
import { fieldsInvalid } from '../../http/error-body.ts';

const inputTensor = z.looseObject({
  name: z.enum(['text', 'image']),
  datatype: z.enum(['BYTES', 'UINT8']).describe('UINT8 for images only'),
  shape: z
    .array(z.int().min(0))
    .min(1)
    .max(4)
    .describe('BYTES: [N] or [N, 1]; UINT8: files as [L] or [N, L], RGB as [H, W, 3] or [N, H, W, 3]'),
  parameters: z
    .looseObject({
      binary_data_size: z.int().min(0).optional().describe('bytes of the tensor behind the JSON, in place of data'),
      content_type: z.string().optional().describe('base64 for images that are base64 in binary tensors, too'),
    })
    .optional(),
  data: z.array(z.unknown()).optional().describe('texts, or images in base64; flat or nested like shape'),
});

const outputRequest = z.looseObject({
  name: z.string(),
  parameters: z.looseObject({ binary_data: z.boolean().optional() }).optional(),
});

export const inferRequest = z.object({
  id: z.string().max(256).optional(),
  inputs: z.array(inputTensor).min(1).max(2).describe('both, but for models that do without one'),
  parameters: z
    .looseObject({
      abstain: z.boolean().optional().describe('answer UNSURE, label_id -1, where the model is not sure'),
      binary_data_output: z
        .boolean()
        .optional()
        .describe('all outputs behind the JSON, but for those that say otherwise'),
    })
    .optional(),
  outputs: z.array(outputRequest).optional().describe('the ones wanted, in this order; all when left out'),
});

export type InferRequest = z.infer<typeof inferRequest>;
export type InputTensor = z.infer<typeof inputTensor>;
export type OutputRequest = z.infer<typeof outputRequest>;

export const exampleRequest = {
  id: '1',
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [1], data: ['This frog sitting on a light'] },
    { name: 'image', datatype: 'BYTES', shape: [1], data: ['iVBORw0KGgo…'] },
  ],
};

/** Extensions of Triton that change what a request means, so that they are not passed over. */
const unsupported = ['shared_memory_region', 'classification'];

/** @throws CROSSCHECK_SERVER_FIELDS_INVALID */
export function readRequest(body: unknown): InferRequest {
  const result = inferRequest.safeParse(body);
  if (!result.success)
    throw fieldsInvalid(
      result.error.issues
        .slice(0, 10)
        .map(({ path, message }) => ({ type: 'value_error', loc: ['body', ...path.map(String)], msg: message })),
    );
  for (const tensor of [...result.data.inputs, ...(result.data.outputs ?? [])]) refuseExtensions(tensor);
  return result.data;
}

function refuseExtensions({ name, parameters = {} }: Pick<OutputRequest, 'name' | 'parameters'>): void {
  const found = unsupported.find((parameter) => parameters[parameter] !== undefined);
  if (found === undefined) return;
  const msg = `The parameter ${found} is of an extension that this server does not have; it has binary_tensor_data`;
  throw fieldsInvalid([{ type: 'extra_forbidden', loc: ['body', name.slice(0, 100)], msg }]);
}
