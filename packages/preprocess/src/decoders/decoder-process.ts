// A process that decodes one picture after the other for `openDecoders`, so that it can be ended in the middle of one.
import { isCrosscheckError, messageOf } from '@crosscheck/contract';
import { decodeImage, weighImage } from '../image/decode-image.ts';
import { begun, type DecodeReply, type DecodeRequest } from './decoders.ts';

async function answer({ work, bytes, options }: DecodeRequest): Promise<DecodeReply> {
  try {
    if (work === 'weigh') return { cost: (await weighImage(bytes, options)).cost };
    return { pixels: await decodeImage(bytes, options) };
  } catch (error) {
    const code = isCrosscheckError(error) ? error.code : 'CROSSCHECK_IMAGE_UNREADABLE';
    return { code, message: messageOf(error) };
  }
}

// A terminal sends its signals to every process of a group; what is being decoded is finished.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
// Nobody may be there any more to take the answer: that is no error of this process.
const say = (what: DecodeReply | typeof begun) => process.send?.(what, undefined, undefined, () => {});
process.on('message', (request: DecodeRequest) => {
  say(begun);
  void answer(request).then(say);
});
// Without ceremony: an orderly end waits for what is being decoded.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
