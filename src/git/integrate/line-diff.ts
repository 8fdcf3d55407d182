// Which lines differ between two texts: the histogram method and the sliding of changes that git's merge uses, so that
// both line up changes alike. Pure. Where git would fall back to another method (very repetitive text), the whole
// stretch counts as changed: that can only make a merge more careful.

/** Lines `[from, to)` of the old text became lines `[newFrom, newTo)` of the new one; either may be empty. */
export type Hunk = { from: number; to: number; newFrom: number; newTo: number };

/** Lines that occur more often do not serve as anchors. */
const MOST_OCCURRENCES = 64;

type Lines = readonly string[];
/** One text with a mark on each changed line; the marks carry one more at the end, never set. */
type Side = { lines: Lines; changed: Uint8Array };
type Group = { start: number; end: number };
type Area = { a: number; aEnd: number; b: number; bEnd: number };

/** The hunks in order; equal texts have none. */
export function diffLines(before: Lines, after: Lines): Hunk[] {
  const a: Side = { lines: before, changed: new Uint8Array(before.length + 1) };
  const b: Side = { lines: after, changed: new Uint8Array(after.length + 1) };
  markChanges(a, b);
  compact(a, b);
  compact(b, a);
  return hunksOf(a, b);
}

function markChanges(a: Side, b: Side): void {
  const todo: Area[] = [{ a: 0, aEnd: a.lines.length, b: 0, bEnd: b.lines.length }];
  for (let area = todo.pop(); area !== undefined; area = todo.pop()) {
    const common = area.a < area.aEnd && area.b < area.bEnd ? findAnchor(a.lines, b.lines, area) : null;
    if (common === null) {
      a.changed.fill(1, area.a, area.aEnd);
      b.changed.fill(1, area.b, area.bEnd);
      continue;
    }
    todo.push({ ...area, a: common.aEnd, b: common.bEnd });
    todo.push({ ...area, aEnd: common.a, bEnd: common.b });
  }
}

/** The run of equal lines that holds the rarest line of the old text; null when there is none that may serve. */
function findAnchor(a: Lines, b: Lines, area: Area): Area | null {
  const places = new Map<string, number[]>();
  for (let at = area.a; at < area.aEnd; at++) {
    const known = places.get(a[at] as string);
    if (known) known.push(at);
    else places.set(a[at] as string, [at]);
  }
  const countAt = (at: number) => places.get(a[at] as string)?.length ?? 0;
  let best: Area | null = null;
  let rarest = MOST_OCCURRENCES + 1;
  for (let from = area.b; from < area.bEnd; ) {
    let next = from + 1;
    const found = places.get(b[from] as string) ?? [];
    if (found.length <= rarest) {
      let covered = -1;
      for (const at of found) {
        if (at < covered) continue;
        const run = extend(a, b, area, at, from);
        let count = found.length;
        for (let line = run.a; line < run.aEnd; line++)
          if (line !== at) count = Math.min(count, countAt(line));
        if (run.bEnd > next) next = run.bEnd;
        if (best === null || best.aEnd - best.a < run.aEnd - run.a || count < rarest) {
          best = run;
          rarest = count;
        }
        covered = run.aEnd;
      }
    }
    from = next;
  }
  return best;
}

function extend(a: Lines, b: Lines, area: Area, at: number, from: number): Area {
  const run = { a: at, aEnd: at + 1, b: from, bEnd: from + 1 };
  while (run.a > area.a && run.b > area.b && a[run.a - 1] === b[run.b - 1]) {
    run.a--;
    run.b--;
  }
  while (run.aEnd < area.aEnd && run.bEnd < area.bEnd && a[run.aEnd] === b[run.bEnd]) {
    run.aEnd++;
    run.bEnd++;
  }
  return run;
}

/**
 * A changed stretch that could as well lie some lines further up or down goes as far down as possible, or to the
 * lowest place where it stands beside a change of the other text.
 */
function compact(side: Side, other: Side): void {
  const group = firstGroup(side);
  const beside = firstGroup(other);
  for (;;) {
    if (group.end > group.start) settle(side, group, other, beside);
    if (!nextGroup(side, group)) return;
    nextGroup(other, beside);
  }
}

function settle(side: Side, group: Group, other: Side, beside: Group): void {
  let matching = -1;
  let highest: number;
  let size: number;
  do {
    size = group.end - group.start;
    matching = -1;
    while (slideUp(side, group)) previousGroup(other, beside);
    highest = group.end;
    if (beside.end > beside.start) matching = group.end;
    while (slideDown(side, group)) {
      nextGroup(other, beside);
      if (beside.end > beside.start) matching = group.end;
    }
  } while (size !== group.end - group.start);
  if (group.end === highest || matching === -1) return;
  while (beside.end === beside.start) {
    slideUp(side, group);
    previousGroup(other, beside);
  }
}

function firstGroup({ changed }: Side): Group {
  let end = 0;
  while (changed[end]) end++;
  return { start: 0, end };
}

function nextGroup({ lines, changed }: Side, group: Group): boolean {
  if (group.end === lines.length) return false;
  group.start = group.end + 1;
  group.end = group.start;
  while (changed[group.end]) group.end++;
  return true;
}

function previousGroup({ changed }: Side, group: Group): void {
  if (group.start === 0) return;
  group.end = group.start - 1;
  group.start = group.end;
  while (group.start > 0 && changed[group.start - 1]) group.start--;
}

function slideUp({ lines, changed }: Side, group: Group): boolean {
  if (group.start === 0 || lines[group.start - 1] !== lines[group.end - 1]) return false;
  changed[--group.start] = 1;
  changed[--group.end] = 0;
  while (group.start > 0 && changed[group.start - 1]) group.start--;
  return true;
}

function slideDown({ lines, changed }: Side, group: Group): boolean {
  if (group.end >= lines.length || lines[group.start] !== lines[group.end]) return false;
  changed[group.start++] = 0;
  changed[group.end++] = 1;
  while (changed[group.end]) group.end++;
  return true;
}

function hunksOf(a: Side, b: Side): Hunk[] {
  const hunks: Hunk[] = [];
  let from = 0;
  let newFrom = 0;
  while (from < a.lines.length || newFrom < b.lines.length) {
    let to = from;
    let newTo = newFrom;
    while (a.changed[to]) to++;
    while (b.changed[newTo]) newTo++;
    if (to > from || newTo > newFrom) hunks.push({ from, to, newFrom, newTo });
    from = to + 1;
    newFrom = newTo + 1;
  }
  return hunks;
}
