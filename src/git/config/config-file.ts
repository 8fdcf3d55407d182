// Reads the syntax of git configuration files. Pure: knows no disk, no includes, no precedence.

import { Failure } from '../../model/failure.ts';

/** `key` is canonical: section and name in lower case, the subsection between them as written. */
export type ConfigEntry = {
  readonly key: string;
  /** Null when the line has no `=`, which git reads as true. */
  readonly value: string | null;
  /** 1-based line of the variable's name. */
  readonly line: number;
};

type Cursor = { readonly text: string; at: number; line: number };

const BOM = '\uFEFF';
const BLANK = /[ \t\n\r]/;
const SECTION_CHARACTER = /[A-Za-z0-9.-]/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b', '"': '"', '\\': '\\' };

/**
 * Reads all variables of a file in order. `source` names the file in messages.
 * @throws Failure `git-config-invalid` with `data.line`
 */
export function parseConfig(text: string, source = 'configuration'): ConfigEntry[] {
  const cursor: Cursor = { text: text.replaceAll('\r\n', '\n'), at: text.startsWith(BOM) ? 1 : 0, line: 1 };
  const entries: ConfigEntry[] = [];
  let section = '';
  for (;;) {
    const character = peek(cursor);
    if (character === '') return entries;
    if (BLANK.test(character)) take(cursor);
    else if (character === '#' || character === ';') skipLine(cursor);
    else if (character === '[') section = readSection(cursor, source);
    else if (/[A-Za-z]/.test(character)) entries.push(readVariable(cursor, section, source));
    else {
      take(cursor);
      throw invalid(cursor, source);
    }
  }
}

/** Brings a key into the form of `ConfigEntry.key`. */
export function canonicalKey(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  if (first < 0) return key.toLowerCase();
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}

/** Git's reading of a yes or no; `undefined` when the text is neither. */
export function booleanOf(value: string | null): boolean | undefined {
  if (value === null) return true;
  const word = value.toLowerCase();
  if (word === 'true' || word === 'yes' || word === 'on') return true;
  if (word === 'false' || word === 'no' || word === 'off' || word === '') return false;
  const number = /^([+-]?(?:0x[\da-f]+|\d+))[kmg]?$/.exec(word);
  return number ? Number(number[1]) !== 0 : undefined;
}

function readSection(cursor: Cursor, source: string): string {
  take(cursor);
  let name = '';
  for (;;) {
    const character = take(cursor);
    if (character === ']') return name;
    if (character === ' ' || character === '\t') return `${name}.${readSubsection(cursor, source)}`;
    if (!SECTION_CHARACTER.test(character)) throw invalid(cursor, source);
    name += character.toLowerCase();
  }
}

function readSubsection(cursor: Cursor, source: string): string {
  let character = take(cursor);
  while (character === ' ' || character === '\t') character = take(cursor);
  if (character !== '"') throw invalid(cursor, source);
  let name = '';
  for (;;) {
    character = take(cursor);
    if (character === '"') break;
    if (character === '\\') character = take(cursor);
    if (character === '' || character === '\n') throw invalid(cursor, source);
    name += character;
  }
  if (take(cursor) !== ']') throw invalid(cursor, source);
  return name;
}

function readVariable(cursor: Cursor, section: string, source: string): ConfigEntry {
  const { line } = cursor;
  let name = '';
  while (/[A-Za-z0-9-]/.test(peek(cursor))) name += take(cursor).toLowerCase();
  while (peek(cursor) === ' ' || peek(cursor) === '\t') take(cursor);
  // Git takes variables above the first section, too; nothing reads them.
  const key = section === '' ? name : `${section}.${name}`;
  const character = take(cursor);
  if (character === '' || character === '\n') return { key, value: null, line };
  if (character !== '=') throw invalid(cursor, source);
  return { key, value: readValue(cursor, source), line };
}

/** Blanks around the value and a comment behind it do not count, unless quoted; `\` at the end continues the line. */
function readValue(cursor: Cursor, source: string): string {
  let value = '';
  let blanks = '';
  let quoted = false;
  for (;;) {
    let character = take(cursor);
    if (character === '' || character === '\n') {
      if (quoted) throw invalid(cursor, source);
      return value;
    }
    if (!quoted && (character === '#' || character === ';')) {
      skipLine(cursor);
      return value;
    }
    if (!quoted && BLANK.test(character)) {
      if (value !== '') blanks += character;
      continue;
    }
    if (character === '"') {
      value += blanks;
      blanks = '';
      quoted = !quoted;
      continue;
    }
    if (character === '\\') {
      const escaped = take(cursor);
      if (escaped === '\n' || escaped === '') continue;
      const meant = ESCAPES[escaped];
      if (meant === undefined) throw invalid(cursor, source);
      character = meant;
    }
    value += blanks + character;
    blanks = '';
  }
}

function skipLine(cursor: Cursor): void {
  while (peek(cursor) !== '' && take(cursor) !== '\n');
}

function peek(cursor: Cursor): string {
  return cursor.text.charAt(cursor.at);
}

function take(cursor: Cursor): string {
  const character = cursor.text.charAt(cursor.at);
  cursor.at += 1;
  if (character === '\n') cursor.line += 1;
  return character;
}

function invalid(cursor: Cursor, source: string): Failure {
  const before = cursor.text.charAt(cursor.at - 1) === '\n' ? 1 : 0;
  const line = cursor.line - before;
  return new Failure('git-config-invalid', `Bad git configuration in line ${line} of ${source}.`, {
    data: { line, source },
  });
}
