import type { VisionArchitecture } from '@crosscheck/contract';

/** One MBConv block of EfficientNet with everything that its shape and its tensor names follow from. */
export interface VisionBlock {
  /** Stage from 0 and block within it from 0; torchvision counts stages from 1, after the stem. */
  readonly stage: number;
  readonly repeat: number;
  readonly inputChannels: number;
  readonly expandedChannels: number;
  /** Null without squeeze-and-excite. */
  readonly squeezeChannels: number | null;
  readonly outputChannels: number;
  readonly kernel: number;
  readonly stride: number;
  /** Tensor name stems without the backbone's prefix; `expand` is null where nothing is expanded, and those behind what is left out move up by one. */
  readonly names: { expand: string | null; depthwise: string; squeezeExcite: string | null; project: string };
}

/**
 * The blocks in forward order: the table of stages, unrolled. The squeeze width is a quarter of the block's input, as in torchvision.
 *
 * @see https://github.com/pytorch/vision/blob/main/torchvision/models/efficientnet.py (MBConv)
 */
export function visionBlocks({ stemChannels, stages, squeezeExcite }: VisionArchitecture): VisionBlock[] {
  let inputChannels = stemChannels;
  return stages.flatMap(({ expand, channels, repeats, stride, kernel }, stage) =>
    Array.from({ length: repeats }, (_, repeat) => {
      const block = {
        stage,
        repeat,
        inputChannels,
        expandedChannels: inputChannels * expand,
        squeezeChannels: squeezeExcite ? Math.max(1, Math.floor(inputChannels / 4)) : null,
        outputChannels: channels,
        kernel,
        stride: repeat === 0 ? stride : 1,
        names: blockNames(`features.${stage + 1}.${repeat}.block`, { isExpanded: expand !== 1, squeezeExcite }),
      };
      inputChannels = channels;
      return block;
    }),
  );
}

function blockNames(block: string, { isExpanded, squeezeExcite }: { isExpanded: boolean; squeezeExcite: boolean }) {
  let place = 0;
  const next = () => `${block}.${place++}`;
  return {
    expand: isExpanded ? next() : null,
    depthwise: next(),
    squeezeExcite: squeezeExcite ? next() : null,
    project: next(),
  };
}
