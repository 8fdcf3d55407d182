// Where things stand in a JSON text: for messages that name line and column, and for edits that leave the rest of
// a person's file as it is. Values themselves come from JSON.parse. Knows nothing of project files.

/** `members` is null for anything but an object. Offsets count UTF-16 units; `end` is exclusive. */
export type JsonNode = {
  readonly start: number;
  readonly end: number;
  readonly members: readonly JsonMember[] | null;
};
export type JsonMember = { readonly key: string; readonly start: number; readonly value: JsonNode };

/** The text is not JSON; `offset` is the first character that cannot stand there. */
export class JsonSyntaxError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'JsonSyntaxError';
    this.offset = offset;
  }
}

type Cursor = { readonly text: string; at: number };

const DEEPEST = 200;
const BLANK = /[ \t\n\r]*/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/** @throws JsonSyntaxError */
export function scanJson(text: string): JsonNode {
  const cursor = { text, at: 0 };
  match(cursor, BLANK);
  const root = scanValue(cursor, 0);
  match(cursor, BLANK);
  if (cursor.at < text.length) throw unexpected(cursor, 'the end of the file');
  return root;
}

/** 1-based. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function scanValue(cursor: Cursor, depth: number): JsonNode {
  const start = cursor.at;
  if (depth > DEEPEST) throw new JsonSyntaxError(`nested more than ${DEEPEST} deep`, start);
  const first = cursor.text[start];
  if (first === '{') {
    const members: JsonMember[] = [];
    scanList(cursor, '}', () => members.push(scanMember(cursor, depth)));
    return { start, end: cursor.at, members };
  }
  if (first === '[') scanList(cursor, ']', () => scanValue(cursor, depth + 1));
  else if (first === '"') scanString(cursor);
  else if (match(cursor, SCALAR) === null) throw unexpected(cursor, 'a value');
  return { start, end: cursor.at, members: null };
}

function scanList(cursor: Cursor, close: string, item: () => unknown): void {
  cursor.at += 1;
  match(cursor, BLANK);
  if (take(cursor, close)) return;
  for (;;) {
    item();
    match(cursor, BLANK);
    if (take(cursor, close)) return;
    if (!take(cursor, ',')) throw unexpected(cursor, `"," or "${close}"`);
    match(cursor, BLANK);
  }
}

function scanMember(cursor: Cursor, depth: number): JsonMember {
  const start = cursor.at;
  if (cursor.text[start] !== '"') throw unexpected(cursor, 'a name in double quotes');
  const key = JSON.parse(scanString(cursor)) as string;
  match(cursor, BLANK);
  if (!take(cursor, ':')) throw unexpected(cursor, '":"');
  match(cursor, BLANK);
  return { key, start, value: scanValue(cursor, depth + 1) };
}

function scanString(cursor: Cursor): string {
  const { text, at: start } = cursor;
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  const string = text.slice(start, end + 1);
  try {
    JSON.parse(string);
  } catch {
    throw new JsonSyntaxError('a text that is not ended on its line or has a wrong escape', start);
  }
  cursor.at = end + 1;
  return string;
}

function match(cursor: Cursor, pattern: RegExp): string | null {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0] ?? null;
  if (found !== null) cursor.at += found.length;
  return found;
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function unexpected({ text, at }: Cursor, expected: string): JsonSyntaxError {
  const found = at < text.length ? `"${[...text.slice(at, at + 2)][0]}"` : 'the end of the file';
  return new JsonSyntaxError(`expected ${expected}, found ${found}`, at);
}
