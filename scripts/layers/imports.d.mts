export function readImports(root: string, folder: string): Map<string, string[]>;
export function packageOf(name: string): string;
export function findCycles(imports: ReadonlyMap<string, readonly string[]>): string[][];
