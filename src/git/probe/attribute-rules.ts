// Finds lines of git attributes that change a file's content on its way into git. Pure.
// Lines about diff, merge, export or statistics, and those that switch a conversion off, do not count.

const CONVERTING = new Set(['text', 'eol', 'crlf', 'ident', 'working-tree-encoding']);

/** `converts` answers whether a filter of that name does anything here; the first line that counts, or null. */
export function findConvertingLine(text: string, converts: (filter: string) => boolean): string | null {
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (attributesOf(line).some((attribute) => counts(attribute, converts))) return line;
  }
  return null;
}

/** What stands behind the pattern, which may be in quotes and then hold blanks. */
function attributesOf(line: string): string[] {
  const pattern = line.startsWith('"') ? /^"(?:\\.|[^"\\])*"/.exec(line)?.[0] : undefined;
  const rest = pattern === undefined ? line.replace(/^\S+/, '') : line.slice(pattern.length);
  return rest.split(/\s+/).filter((attribute) => attribute !== '');
}

function counts(attribute: string, converts: (filter: string) => boolean): boolean {
  if (attribute.startsWith('-') || attribute.startsWith('!')) return false;
  const [name = '', value] = attribute.split('=', 2);
  if (name === 'filter') return value !== undefined && value !== '' && converts(value);
  return CONVERTING.has(name);
}
