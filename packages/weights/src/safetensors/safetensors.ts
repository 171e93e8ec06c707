import { messageOf } from '@crosscheck/contract';
import { toFloat32 } from '../float32.ts';
import { corrupt, openPositioned, type PositionedFile } from '../positioned-file.ts';
import { type TensorFile, tensorInfo } from '../tensor-file.ts';
import { maxHeaderBytes, parseSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.ts';

export interface SafetensorsFile extends TensorFile {
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The tensor's bytes as they stand in the file: little-endian, row-major. */
  readBytes(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

interface ReadHeader extends SafetensorsHeader {
  readonly dataStart: number;
}

/**
 * Opens a `.safetensors` file: reads and checks the header, then single tensors on demand by position.
 *
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND
 * @throws CROSSCHECK_WEIGHTS_CORRUPT naming the file and what is wrong with it
 * @see https://github.com/huggingface/safetensors#format
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openPositioned(path);
  try {
    return safetensorsFile(file, await readHeader(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

function safetensorsFile(file: PositionedFile, { metadata, tensors, dataStart }: ReadHeader): SafetensorsFile {
  const opened: SafetensorsFile = {
    path: file.path,
    metadata,
    tensors,
    readBytes: async (name) => {
      const { begin, end } = tensorInfo({ path: file.path, tensors }, name);
      return file.read(dataStart + begin, end - begin);
    },
    read: async (name) => toFloat32(await opened.readBytes(name), tensorInfo({ path: file.path, tensors }, name).dtype),
    close: () => file.close(),
  };
  return opened;
}

async function readHeader(file: PositionedFile): Promise<ReadHeader> {
  if (file.size < 8)
    throw corrupt(file.path, `a .safetensors file starts with 8 bytes of header length, it has ${file.size}`);
  const length = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    throw corrupt(file.path, `a header of ${length} bytes, at most ${maxHeaderBytes} are allowed`);
  const dataStart = 8 + Number(length);
  if (dataStart > file.size) throw corrupt(file.path, `a header of ${length} bytes in a file of ${file.size}`);
  const bytes = await file.read(8, Number(length));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { ...parseSafetensorsHeader(text, file.size - dataStart), dataStart };
  } catch (error) {
    throw corrupt(file.path, messageOf(error), error);
  }
}
