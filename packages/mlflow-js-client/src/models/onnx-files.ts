import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ArtifactSource } from '../artifacts/artifact-store.ts';
import { MlflowError } from '../errors.ts';
import { toYamlFlow } from '../stores/file/meta-yaml.ts';

/** One input or output of a model. */
export interface TensorSpec {
  name: string;
  /** As NumPy calls it, e.g. `float32`, `int64`. */
  dtype: string;
  /** -1 where any size will do. */
  shape: readonly number[];
}

/** Packages that load the model in Python; each must exist on PyPI in that version. */
export interface PythonEnvironment {
  python: string;
  mlflow: string;
  onnx: string;
  onnxruntime: string;
  numpy: string;
}

/** An ONNX file and what MLflow wants to know of it. */
export interface OnnxModel {
  /** Path of the `.onnx` file. */
  onnxPath: string;
  /** Files with its external data, in the same folder; default: siblings named `<file>.…` or `<file>_…`. */
  externalData?: readonly string[] | undefined;
  inputs: readonly TensorSpec[];
  outputs: readonly TensorSpec[];
  /** Further files to keep beside it, e.g. the tokenizer. */
  extraFiles?: readonly string[] | undefined;
  /** Values per input, as nested arrays; shown in the UI as an example of a request. */
  inputExample?: Readonly<Record<string, unknown>> | undefined;
  environment?: Partial<PythonEnvironment> | undefined;
}

/** Who the model is in MLflow. */
export interface ModelIdentity {
  modelId?: string | undefined;
  runId?: string | undefined;
  /** Where its files will lie. */
  artifactUri?: string | undefined;
  /** Default now. */
  createdAt?: Date | undefined;
}

/** Versions that were loaded together by this package's tests. */
const ENVIRONMENT: PythonEnvironment = {
  python: '3.11.7',
  mlflow: '3.17.2',
  onnx: '1.23.2',
  onnxruntime: '1.31.1',
  numpy: '2.4.6',
};

/**
 * The files of an MLflow model around an ONNX file: `MLmodel`, `requirements.txt`, `python_env.yaml`, `conda.yaml`, the model itself with
 * its external data, examples. Keys are paths in the model's folder; big files are given by path, to be streamed.
 *
 * Python loads the result with `mlflow.onnx.load_model` and `mlflow.pyfunc.load_model`, and `mlflow models serve` serves it.
 */
export async function describeOnnxModel(
  model: OnnxModel,
  identity: ModelIdentity = {},
): Promise<Record<string, ArtifactSource>> {
  const paths = await findModelFiles(model);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const environment = { ...ENVIRONMENT, ...model.environment };
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  return {
    ...Object.fromEntries(paths.map((path) => [basename(path), path])),
    ...describeExamples(model.inputExample),
    'requirements.txt': { text: `${listRequirements(environment).join('\n')}\n` },
    'python_env.yaml': { text: formatPythonEnv(environment) },
    'conda.yaml': { text: formatCondaEnv(environment) },
    MLmodel: { text: formatMlmodel({ model, identity, environment, sizeBytes }) },
  };
}

/** The ONNX file, its external data and the extra files; refuses names that would collide in one folder. */
export async function findModelFiles(model: OnnxModel): Promise<string[]> {
  const { onnxPath, extraFiles = [] } = model;
  const folder = dirname(onnxPath);
  const name = basename(onnxPath);
  const siblings = (await readdir(folder).catch((): string[] => [])).toSorted();
  if (!siblings.includes(name))
    throw new MlflowError('INVALID_PARAMETER_VALUE', `expected an ONNX file at ${onnxPath}, found none`);
  const isData = (sibling: string) => sibling.startsWith(`${name}.`) || sibling.startsWith(`${name}_`);
  const data = model.externalData ?? siblings.filter(isData).map((sibling) => join(folder, sibling));
  const paths = [onnxPath, ...data, ...extraFiles];
  const names = paths.map((path) => basename(path));
  const twice = names.find((candidate, index) => names.indexOf(candidate) !== index);
  if (twice === undefined) return paths;
  throw new MlflowError('INVALID_PARAMETER_VALUE', `two files of the model are called "${twice}"; rename one`);
}

function listRequirements({ mlflow, onnx, onnxruntime, numpy }: PythonEnvironment): string[] {
  return [`mlflow==${mlflow}`, `onnx==${onnx}`, `onnxruntime==${onnxruntime}`, `numpy==${numpy}`];
}

function formatPythonEnv({ python }: PythonEnvironment): string {
  return `python: "${python}"\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n`;
}

function formatCondaEnv(environment: PythonEnvironment): string {
  const requirements = listRequirements(environment).map((line) => `  - ${line}\n`);
  return (
    `name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python=${environment.python}\n- pip\n- pip:\n` +
    requirements.join('')
  );
}

function describeExamples(example: OnnxModel['inputExample']): Record<string, ArtifactSource> {
  if (example === undefined) return {};
  return {
    'input_example.json': { text: JSON.stringify(example) },
    'serving_input_example.json': { text: JSON.stringify({ inputs: example }) },
  };
}

interface Description {
  model: OnnxModel;
  identity: ModelIdentity;
  environment: PythonEnvironment;
  sizeBytes: number;
}

function formatMlmodel({ model, identity, environment, sizeBytes }: Description): string {
  const { modelId, runId, artifactUri, createdAt = new Date() } = identity;
  const data = toYamlFlow(basename(model.onnxPath));
  const lines = [
    ...(artifactUri === undefined ? [] : [`artifact_path: ${toYamlFlow(artifactUri)}`]),
    'flavors:',
    '  onnx:',
    '    code: null',
    `    data: ${data}`,
    '    onnx_session_options: null',
    `    onnx_version: "${environment.onnx}"`,
    '    providers: [CPUExecutionProvider]',
    '  python_function:',
    `    data: ${data}`,
    '    env: {conda: conda.yaml, virtualenv: python_env.yaml}',
    '    loader_module: mlflow.onnx',
    `    python_version: "${environment.python}"`,
    `mlflow_version: "${environment.mlflow}"`,
    ...(modelId === undefined ? [] : [`model_id: ${toYamlFlow(modelId)}`]),
    `model_size_bytes: ${sizeBytes}`,
    `model_uuid: ${toYamlFlow(modelId ?? randomUUID().replaceAll('-', ''))}`,
    ...(runId === undefined ? [] : [`run_id: ${toYamlFlow(runId)}`]),
    ...(model.inputExample === undefined ? [] : [EXAMPLE_INFO]),
    'signature:',
    `  inputs: ${quote(formatTensors(model.inputs))}`,
    `  outputs: ${quote(formatTensors(model.outputs))}`,
    '  params: null',
    `utc_time_created: '${createdAt.toISOString().replace('T', ' ').replace('Z', '000')}'`,
  ];
  return `${lines.join('\n')}\n`;
}

const EXAMPLE_INFO =
  'saved_input_example_info: {artifact_path: input_example.json, serving_input_path: serving_input_example.json, type: ndarray}';

function formatTensors(tensors: readonly TensorSpec[]): string {
  return JSON.stringify(
    tensors.map(({ name, dtype, shape }) => ({ name, type: 'tensor', 'tensor-spec': { dtype, shape } })),
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
