const idColumns = ['id', 'image_id', 'post_id'];

/** The column that names posts, where there is one: rows with the same value are the same post. */
export function findIdColumn(columns: readonly string[]): string | undefined {
  return idColumns.find((name) => columns.includes(name));
}
