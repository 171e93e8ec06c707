import type { Artifact } from './artifact.ts';
import { labelMap } from './labels.ts';

/** What an ONNX file says about itself in `metadata_props`, so that a lone `.onnx` carries enough to be served. */
export function onnxMetadataOf(
  artifact: Pick<
    Artifact,
    'preprocessing' | 'modalities' | 'threshold' | 'temperature' | 'abstainBand' | 'version' | 'source'
  >,
): Record<string, string> {
  const { preprocessing: p, source, abstainBand } = artifact;
  return {
    labels: JSON.stringify(labelMap),
    image_mean: JSON.stringify(p.mean),
    image_std: JSON.stringify(p.std),
    image_size: String(p.imageSize),
    image_resize: p.resize,
    max_tokens: String(p.maxTokens),
    empty_text: p.emptyText,
    modalities: JSON.stringify(artifact.modalities),
    threshold: String(artifact.threshold),
    temperature: String(artifact.temperature),
    ...(abstainBand && { abstain_band: JSON.stringify(abstainBand) }),
    version: artifact.version,
    source_checkpoint: source.checkpoint,
    source_checkpoint_sha256: source.checkpointSha256,
    ...(source.runId === null ? {} : { source_run_id: source.runId }),
  };
}
