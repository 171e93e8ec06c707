/** Sections of an INI file, in the form of Git's, DVC's and AWS's: `[name]`, `['remote "name"']`, `key = value`, `#` and `;` comments. */
export type Ini = Map<string, Map<string, string>>;

/** Parses an INI file; a section's quotes and a value's surrounding blanks are dropped, keys are in lower case. */
export function parseIni(text: string): Ini {
  const sections: Ini = new Map();
  let section = new Map<string, string>();
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const name = /^\[(.*)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      const key = name.trim().replace(/^'(.*)'$/, '$1');
      section = sections.get(key) ?? new Map<string, string>();
      sections.set(key, section);
      continue;
    }
    const [key = '', ...value] = line.split('=');
    section.set(key.trim().toLowerCase(), unquote(value.join('=').trim()));
  }
  return sections;
}

function unquote(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}
