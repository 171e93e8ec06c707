const lineBreak = /\r\n|\n|\r/g;

/** Line breaks of any kind in a text: Windows', Unix's, old Mac's. */
export function countLineBreaks(text: string): number {
  return text.match(lineBreak)?.length ?? 0;
}

/** Counts the lines of a text that comes in pieces; a Windows line end may be cut in two. */
export function createLineCounter(): { line(): number; add(text: string): void } {
  let [line, endsInReturn] = [1, false];
  return {
    line: () => line,
    add(text) {
      if (text === '') return;
      line += countLineBreaks(text) - (endsInReturn && text.startsWith('\n') ? 1 : 0);
      endsInReturn = text.endsWith('\r');
    },
  };
}
