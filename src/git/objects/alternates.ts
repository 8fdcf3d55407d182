// Which other object folders a repository borrows from: objects/info/alternates, and theirs. They are only read.

import { isAbsolute, resolve } from 'node:path';
import { readFile } from '../../host/small-files.ts';
import { isAbsent } from '../io-failure.ts';

/** As in git: what is nested deeper is not looked at. */
const MOST_LEVELS = 5;
const ESCAPED = /\\(?:([0-7]{3})|(.))/g;
const CONTROLS: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Absolute paths, nearest first, each once, without `objectsDir` itself. Some may not exist: git ignores those too. */
export async function alternateFolders(objectsDir: string): Promise<string[]> {
  const found = new Set<string>();
  let level = [objectsDir];
  for (let depth = 0; depth <= MOST_LEVELS && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      for (const alternate of await namedIn(folder)) {
        if (alternate === objectsDir || found.has(alternate)) continue;
        found.add(alternate);
        next.push(alternate);
      }
    }
    level = next;
  }
  return [...found];
}

async function namedIn(folder: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(`${folder}/info/alternates`, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map(unquoted).map((path) => (isAbsolute(path) ? resolve(path) : resolve(folder, path)));
}

/** Git writes paths with special characters in quotes, as in C: octal escapes are bytes. */
function unquoted(line: string): string {
  if (!/^".*"$/.test(line)) return line;
  const bytes = Buffer.from(line.slice(1, -1), 'utf8')
    .toString('latin1')
    .replace(ESCAPED, (_all, octal: string | undefined, character: string) =>
      octal === undefined
        ? (CONTROLS[character] ?? character)
        : String.fromCharCode(Number.parseInt(octal, 8) & 0xff),
    );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
