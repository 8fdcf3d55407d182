// The shortest way from one list of lines to another (Myers 1986), within bounds. Pure.

/** A run of lines; `from`/`to` are positions in the old list for `delete`, in the new one for `insert`. */
export type LineEdit = { readonly kind: 'delete' | 'insert'; readonly oldAt: number; readonly newAt: number };

/** With more differing lines than this the whole middle counts as replaced: the search grows with its square. */
const MOST_EDITS = 1_000;

/**
 * Single-line edits in their order. A `delete` takes away line `oldAt` of `before`; an `insert` puts line `newAt` of
 * `after` before line `oldAt` of `before`.
 */
export function diffLines(before: readonly string[], after: readonly string[]): LineEdit[] {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const a = before.slice(start, before.length - end);
  const b = after.slice(start, after.length - end);
  const edits = shortestEdits(a, b) ?? replaceAll(a, b);
  return edits.map(({ kind, oldAt, newAt }) => ({ kind, oldAt: oldAt + start, newAt: newAt + start }));
}

function replaceAll(a: readonly string[], b: readonly string[]): LineEdit[] {
  return [
    ...a.map((_line, oldAt) => ({ kind: 'delete' as const, oldAt, newAt: 0 })),
    ...b.map((_line, newAt) => ({ kind: 'insert' as const, oldAt: a.length, newAt })),
  ];
}

/** Null when more than `MOST_EDITS` are needed. */
function shortestEdits(a: readonly string[], b: readonly string[]): LineEdit[] | null {
  // reached[edits][diagonal + edits] is how far into `a` the best path with that many edits gets.
  const reached: Int32Array[] = [];
  for (let edits = 0; edits <= Math.min(MOST_EDITS, a.length + b.length); edits++) {
    const row = new Int32Array(2 * edits + 1);
    reached.push(row);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = edits === 0 ? 0 : stepTo(reached[edits - 1] as Int32Array, edits, diagonal).x;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1;
      row[diagonal + edits] = x;
      if (x >= a.length && x - diagonal >= b.length) return traceBack(reached, a.length, b.length);
    }
  }
  return null;
}

/** Where one more edit leads on this diagonal, coming from a neighbour: by an insertion (down) or a deletion. */
function stepTo(previous: Int32Array, edits: number, diagonal: number): { x: number; isInsert: boolean } {
  const at = (neighbour: number) => previous[neighbour + edits - 1] ?? -1;
  const isInsert = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
  return isInsert ? { x: at(diagonal + 1), isInsert } : { x: at(diagonal - 1) + 1, isInsert };
}

function traceBack(reached: readonly Int32Array[], oldLength: number, newLength: number): LineEdit[] {
  const found: LineEdit[] = [];
  let diagonal = oldLength - newLength;
  for (let edits = reached.length - 1; edits > 0; edits--) {
    const { x, isInsert } = stepTo(reached[edits - 1] as Int32Array, edits, diagonal);
    if (isInsert) found.push({ kind: 'insert', oldAt: x, newAt: x - diagonal - 1 });
    else found.push({ kind: 'delete', oldAt: x - 1, newAt: x - diagonal });
    diagonal += isInsert ? 1 : -1;
  }
  return found.reverse();
}
