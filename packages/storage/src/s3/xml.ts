/** The text of the first element of that name, or null. S3's answers are flat enough to be read without an XML parser. */
export function tagOf(xml: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
}

/** One page of ListObjectsV2 that was asked for with `encoding-type=url`. */
export function parseListing(xml: string): { keys: string[]; next: string | null } {
  const keys = Array.from(xml.matchAll(/<Key>([^<]*)<\/Key>/g), ([, key = '']) =>
    decodeURIComponent(key.replaceAll('+', '%20')),
  );
  const isTruncated = tagOf(xml, 'IsTruncated') === 'true';
  const token = tagOf(xml, 'NextContinuationToken');
  return { keys, next: isTruncated ? unescapeXml(token ?? '') : null };
}

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
