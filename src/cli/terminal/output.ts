// What a command says: one JSON document with --json, otherwise lines and tables for a person.

import type { Host } from '../../host/types.ts';
import { createProgress, type Progress } from './progress.ts';
import { harmless, type Paint, paintFor, type Tone } from './style.ts';

export type Cell = string | { text: string; tone: Tone };

export type Output = {
  readonly json: boolean;
  readonly paint: Paint;
  /** For a person only: nothing with --json. */
  line(text?: string): void;
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void;
  /** For a program only: the one document, or one of a stream of lines when `asLine`. */
  document(value: unknown, asLine?: boolean): void;
  /** On standard error, for a person who waits; quiet where nobody watches. */
  readonly progress: Progress;
};

export function createOutput(host: Host, { json = false }: { json?: boolean | undefined }): Output {
  const paint = paintFor(host);
  const line = (text = '') => {
    if (!json) host.writeOut(`${text}\n`);
  };
  return {
    ...{ json, paint, line },
    table(head, rows) {
      for (const text of tableLines(head, rows, paint)) line(text);
    },
    document(value, asLine = false) {
      if (json) host.writeOut(`${JSON.stringify(value, null, asLine ? undefined : 2)}\n`);
    },
    progress: createProgress(host, { quiet: json }),
  };
}

const GAP = '  ';
type Shown = { text: string; tone: Tone };

function tableLines(head: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => row.map(asCell));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.text.length ?? 0)),
  );
  const shown = (row: readonly Shown[]) =>
    row
      .map(({ text, tone }, column) => {
        const isLast = column === row.length - 1;
        return paint(tone, text) + (isLast ? '' : ' '.repeat((widths[column] ?? 0) - text.length));
      })
      .join(GAP)
      .trimEnd();
  return [shown(head.map((text) => ({ text, tone: 'dim' }))), ...cells.map(shown)];
}

function asCell(cell: Cell): Shown {
  const { text, tone } = typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell;
  return { text: harmless(text).replaceAll('\n', ' '), tone };
}
