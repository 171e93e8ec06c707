// Our text backbone in the names of Hugging Face's BertModel, so that its libraries load it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, guardWriting, type TextArchitecture } from '@crosscheck/contract';
import { ensureFolder, writeWhole } from '@crosscheck/files';
import { textBackboneNames, textPrefix } from '@crosscheck/network';
import { type TensorToWrite, writeSafetensors } from '../safetensors/safetensors-writer.ts';
import type { TensorFile } from '../tensor-file.ts';
import { configFileName } from './config-json.ts';
import { bertName } from './naming-schemes.ts';

const maker = 'crosscheck';
const tokenTypes = 2;

interface TextBackbone {
  /** Holds the text backbone under the checkpoint's names. */
  readonly file: Pick<TensorFile, 'read'>;
  readonly text: TextArchitecture;
  /** The text of a `tokenizer.json`. */
  readonly tokenizer: string;
}

/**
 * Writes a folder that `BertModel.from_pretrained(folder, add_pooling_layer=False)` loads without a missing or unexpected tensor: weights,
 * `config.json` and the tokenizer. The vectors of token types are 0, because that of type 0 is part of the positions.
 *
 * @throws CROSSCHECK_EXPORT_OUTPUT_OCCUPIED when the folder holds anything that was not written so
 */
export async function writeBertModel(folder: string, { file, text, tokenizer }: TextBackbone): Promise<void> {
  await requireFree(folder);
  guardWriting(folder, () => ensureFolder(folder));
  const tensors = textBackboneNames(text).map(({ name, shape }): TensorToWrite => {
    return { name: bertName(name), dtype: 'F32', shape, data: () => file.read(textPrefix + name) };
  });
  const types: TensorToWrite = {
    name: 'embeddings.token_type_embeddings.weight',
    dtype: 'F32',
    shape: [tokenTypes, text.hiddenSize],
    data: () => new Float32Array(tokenTypes * text.hiddenSize),
  };
  await writeSafetensors(path.join(folder, 'model.safetensors'), [...tensors, types], { format: 'pt' });
  const texts = {
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': prettyJson({
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: text.maxPositions,
    }),
    [configFileName]: prettyJson(bertConfig(text)),
  };
  for (const [name, content] of Object.entries(texts)) {
    const target = path.join(folder, name);
    guardWriting(target, () => writeWhole(target, content));
  }
}

function bertConfig(text: TextArchitecture): object {
  return {
    model_type: 'bert',
    architectures: ['BertModel'],
    made_by: maker,
    vocab_size: text.vocabSize,
    max_position_embeddings: text.maxPositions,
    hidden_size: text.hiddenSize,
    num_hidden_layers: text.layers,
    num_attention_heads: text.heads,
    intermediate_size: text.feedForwardSize,
    layer_norm_eps: text.layerNormEpsilon,
    hidden_act: 'gelu',
    position_embedding_type: 'absolute',
    type_vocab_size: tokenTypes,
  };
}

/** Somebody else's model is not written over. @throws CROSSCHECK_EXPORT_OUTPUT_OCCUPIED */
export async function requireFree(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) return;
  const config = await readFile(path.join(folder, configFileName), 'utf8').catch(() => '');
  if (config.includes(`"made_by": "${maker}"`)) return;
  throw new CrosscheckError(
    'CROSSCHECK_EXPORT_OUTPUT_OCCUPIED',
    `expected an empty folder or one that export.text_backbone wrote, got ${path.resolve(folder)} with ${names.slice(0, 3).join(', ')}; choose another folder, or empty it`,
  );
}

const prettyJson = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
