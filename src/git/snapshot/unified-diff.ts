// The text of a unified diff of one file, as `git apply` and `patch` take it. Pure.

import { isUtf8 } from 'node:buffer';
import { diffLines, type LineEdit } from './line-diff.ts';

const CONTEXT = 3;
const LOOKED_AT_BYTES = 8_000;

/** A side that is null is not there. */
export type DiffSides = { name: string; before: Buffer | null; after: Buffer | null };

/** Null when a side is no text. Empty when the contents are equal. */
export function unifiedDiff({ name, before, after }: DiffSides): string | null {
  if (![before, after].every((side) => side === null || isText(side))) return null;
  const a = linesOf(before);
  const b = linesOf(after);
  const hunks = groupEdits(diffLines(a, b));
  if (hunks.length === 0) return '';
  const title = (prefix: string, side: Buffer | null) =>
    side === null ? '/dev/null' : quoted(`${prefix}/${name}`);
  const parts = [`--- ${title('a', before)}\n+++ ${title('b', after)}\n`];
  let shift = 0;
  for (const edits of hunks) {
    const hunk = hunkOf(edits, a, b, shift);
    parts.push(hunk.text);
    shift += hunk.grown;
  }
  return parts.join('');
}

/** As git judges: a NUL among the first bytes makes it binary. Other encodings are left out, too. */
function isText(content: Buffer): boolean {
  return !content.subarray(0, LOOKED_AT_BYTES).includes(0) && isUtf8(content);
}

/** Each line with its end, so that a missing last line break is a difference. */
function linesOf(content: Buffer | null): string[] {
  return content === null ? [] : (content.toString('utf8').match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

/** Edits that share context stand in one hunk. */
function groupEdits(edits: readonly LineEdit[]): LineEdit[][] {
  const groups: LineEdit[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const edit of edits) {
    const group = edit.oldAt <= end + 2 * CONTEXT ? groups.at(-1) : undefined;
    if (group) group.push(edit);
    else groups.push([edit]);
    end = edit.kind === 'delete' ? edit.oldAt + 1 : edit.oldAt;
  }
  return groups;
}

/** `shift` is how many lines the hunks before have added. */
function hunkOf(edits: readonly LineEdit[], a: readonly string[], b: readonly string[], shift: number) {
  const first = edits[0] as LineEdit;
  const last = edits.at(-1) as LineEdit;
  const from = Math.max(0, first.oldAt - CONTEXT);
  const to = Math.min(a.length, (last.kind === 'delete' ? last.oldAt + 1 : last.oldAt) + CONTEXT);
  const lines: string[] = [];
  let grown = 0;
  let at = from;
  for (const edit of edits) {
    for (; at < edit.oldAt; at++) lines.push(shown(' ', a[at]));
    if (edit.kind === 'delete') {
      lines.push(shown('-', a[at]));
      at += 1;
      grown -= 1;
    } else {
      lines.push(shown('+', b[edit.newAt]));
      grown += 1;
    }
  }
  for (; at < to; at++) lines.push(shown(' ', a[at]));
  const oldCount = to - from;
  const range = (start: number, count: number) => `${count === 0 ? start : start + 1},${count}`;
  const head = `@@ -${range(from, oldCount)} +${range(from + shift, oldCount + grown)} @@\n`;
  return { text: head + lines.join(''), grown };
}

function shown(sign: string, line = ''): string {
  return line.endsWith('\n') ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`;
}

/** Names that would break the line are quoted, as git does. */
function quoted(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these need quotes
  return /[\x00-\x1f"\\\x7f]/.test(name) ? JSON.stringify(name) : name;
}
