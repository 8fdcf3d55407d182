// The index's TREE extension: which folders' trees are known. Changed folders must be marked unknown, or the next
// `git commit` would write old trees. Pure.

/** What changed below a folder: folders on the way, and names whose place was taken or given up. */
type Changed = { folders: Map<string, Changed>; names: Set<string> };
/** `copied` is up to where the data went into `parts`. */
type Copy = { readonly data: Buffer; at: number; copied: number; readonly parts: Buffer[] };

/**
 * Marks the folders on the way to each path as unknown, and drops the node of a folder whose place a file took.
 * Answers null when the extension is damaged: without it git only works a little longer.
 */
export function invalidateTrees(data: Buffer, paths: Iterable<string>): Buffer | null {
  const copy: Copy = { data, at: 0, copied: 0, parts: [] };
  if (!copyNode(copy, changedBy(paths)) || copy.at !== data.length) return null;
  copyUpTo(copy, data.length);
  return Buffer.concat(copy.parts);
}

function changedBy(paths: Iterable<string>): Changed {
  const root: Changed = { folders: new Map(), names: new Set() };
  for (const path of paths) {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    let here = root;
    for (const part of parts) {
      const next = here.folders.get(part) ?? { folders: new Map(), names: new Set() };
      here.folders.set(part, next);
      here = next;
    }
    here.names.add(last);
  }
  return root;
}

/** Writes the node anew, marked as unknown, and goes on with those below it. False: the data is damaged. */
function copyNode(copy: Copy, changed: Changed): boolean {
  copyUpTo(copy, copy.at);
  const ownName = nameAt(copy);
  const folders = passHead(copy);
  if (folders < 0) return false;
  // How many folders are left shows when all were met.
  const place = copy.parts.push(Buffer.alloc(0)) - 1;
  copy.copied = copy.at;
  let left = folders;
  for (let folder = 0; folder < folders; folder++) {
    const start = copy.at;
    const name = nameAt(copy);
    const inside = changed.folders.get(name);
    const isDropped = changed.names.has(name);
    if (isDropped) {
      copyUpTo(copy, start);
      left -= 1;
    }
    if (!(inside === undefined || isDropped ? skipNode(copy) : copyNode(copy, inside))) return false;
    if (isDropped) copy.copied = copy.at;
  }
  copy.parts[place] = Buffer.from(`${ownName}\0-1 ${left}\n`, 'latin1');
  return true;
}

/** A tree of thousands of folders is passed for every commit: nothing is made of what stays as it is. */
function skipNode(copy: Copy): boolean {
  for (let nodes = 1; nodes > 0; nodes--) {
    const folders = passHead(copy);
    if (folders < 0) return false;
    nodes += folders;
  }
  return true;
}

function nameAt({ data, at }: Copy): string {
  const end = data.indexOf(0, at);
  return data.toString('latin1', at, end < 0 ? at : end);
}

/** Goes on behind a node's own data: name, NUL, count of entries, blank, count of folders, newline, id if known. */
function passHead(copy: Copy): number {
  const { data } = copy;
  let p = data.indexOf(0, copy.at) + 1;
  if (p === 0) return -1;
  const isKnown = data[p] !== 0x2d;
  if (!isKnown) p += 1;
  const count = digitsEnd(data, p);
  const folders = digitsEnd(data, count + 1);
  if (count === p || data[count] !== 0x20 || folders === count + 1 || data[folders] !== 0x0a) return -1;
  copy.at = folders + 1 + (isKnown ? 20 : 0);
  return copy.at > data.length ? -1 : Number(data.toString('latin1', count + 1, folders));
}

function digitsEnd(data: Buffer, from: number): number {
  let p = from;
  while (((data[p] ?? 0) ^ 0x30) < 10) p++;
  return p;
}

function copyUpTo(copy: Copy, end: number): void {
  if (end > copy.copied) copy.parts.push(copy.data.subarray(copy.copied, end));
  copy.copied = end;
}
