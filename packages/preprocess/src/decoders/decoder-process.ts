// A process that decodes one picture after the other for `openDecoders`, so that it can be ended in the middle of one.
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { decodeImage } from '../decode-image.ts';
import type { DecodeReply, DecodeRequest } from './decoders.ts';

async function answer({ bytes, options }: DecodeRequest): Promise<DecodeReply> {
  try {
    return { pixels: await decodeImage(bytes, options) };
  } catch (error) {
    const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_IMAGE_UNREADABLE';
    return { code, message: messageOf(error) };
  }
}

process.on('message', (request: DecodeRequest) => void answer(request).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit());
