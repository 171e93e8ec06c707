interface Rows {
  /** [N, width] each */
  tables: readonly Float32Array[];
  width: number;
  /** Of the first table; what the columns are measured on. */
  measured: readonly number[];
}

/** Every column less its mean over the measured rows, over its standard deviation there; columns that never change become 0. */
export function standardize({ tables, width, measured }: Rows): Float32Array[] {
  const table = tables[0] as Float32Array;
  const columns = Array.from({ length: width }, (_, column) =>
    momentsOf(measured.map((row) => table[row * width + column] as number)),
  );
  return tables.map((values) =>
    values.map((value, i) => {
      const { mean, deviation } = columns[i % width] as Moments;
      return deviation === 0 ? 0 : (value - mean) / deviation;
    }),
  );
}

interface Moments {
  mean: number;
  deviation: number;
}

function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
