/** Lines of at most `width` characters where words allow it; those after the first begin with `indent`. */
export function wrap(text: string, { width = 80, indent = '' }: { width?: number; indent?: string } = {}): string[] {
  const start = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = start;
  for (const word of text.trim().split(' ')) {
    const isEmpty = line.trim() === '';
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line += isEmpty ? word : ` ${word}`;
  }
  return [...lines, line];
}
