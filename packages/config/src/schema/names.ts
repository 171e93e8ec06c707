import { z } from 'zod';

const longest = 200;

/** What is wrong with a text that becomes part of a file's name or a URL, in a few words; null when nothing is. */
export function faultOfFileName(text: string): string | null {
  if (text === '') return 'it is empty';
  if (/[/\\]/.test(text)) return 'it names a folder';
  if (text.startsWith('.')) return 'it begins with a dot';
  if (/[\p{Cc}\u2028\u2029]/u.test(text)) return 'it has control characters';
  if (/[<>:"|?*]/.test(text)) return 'it has one of < > : " | ? *';
  if (/[. ]$/.test(text) || text.startsWith(' ')) return 'it ends with a dot, or begins or ends with a space';
  if (/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(text)) return 'it is a name that Windows reserves';
  return new TextEncoder().encode(text).length > longest ? `it is longer than ${longest} bytes` : null;
}

/** Text that becomes part of a file's name or a URL. */
export function fileNamePart(key: string): z.ZodString {
  return z.string().superRefine((text, context) => {
    const fault = faultOfFileName(text);
    if (fault === null) return;
    const message = `${key} becomes part of a file name, and ${fault}: got ${JSON.stringify(text.slice(0, longest))}; write it with letters, digits, - _ . and spaces, such as release-1.9`;
    context.addIssue({ code: 'custom', message });
  });
}
