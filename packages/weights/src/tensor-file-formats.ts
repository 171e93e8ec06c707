import { open } from 'node:fs/promises';
import { openPth } from './pth/pth.ts';
import { openSafetensors } from './safetensors/safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/** A tensor file of either format with its own string metadata (empty for `.pth`). */
export interface DescribedTensorFile extends TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a weights file by its first bytes, whatever its name: PyTorch's zip or pickle, else `.safetensors`.
 *
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND CROSSCHECK_WEIGHTS_CORRUPT CROSSCHECK_PICKLE_REFUSED
 */
export async function openTensorFile(path: string): Promise<DescribedTensorFile> {
  return (await isTorchFile(path)) ? openPth(path) : openSafetensors(path);
}

const zipMagic = 'PK';
const pickleProtocol = 0x80;

async function isTorchFile(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => null); // openSafetensors says what is wrong with the path
  if (handle === null) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    if (bytesRead === 9 && buffer[8] === '{'.charCodeAt(0)) return false; // a .safetensors header of any length
    return buffer.toString('latin1', 0, 2) === zipMagic || (buffer[0] === pickleProtocol && (buffer[1] as number) <= 5);
  } catch {
    return false; // a folder
  } finally {
    await handle.close();
  }
}
