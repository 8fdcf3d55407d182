// The index's TREE extension: which folders' trees are known. Changed folders must be marked unknown, or the next
// `git commit` would write old trees. Pure.

/** A folder's node: `data` is its header and id, `folders` the nodes below it. */
type Node = { name: string; count: number; oid: Buffer | null; folders: Node[] };
type Cursor = { data: Buffer; at: number };

/**
 * Marks the folders on the way to each path as unknown, and drops the node of a folder whose place a file took.
 * Answers null when the extension is damaged: without it git only works a little longer.
 */
export function invalidateTrees(data: Buffer, paths: Iterable<string>): Buffer | null {
  const cursor = { data, at: 0 };
  const root = parseNode(cursor);
  if (root === null || cursor.at !== data.length) return null;
  for (const path of paths) invalidate(root, path);
  const parts: Buffer[] = [];
  serialize(root, parts);
  return Buffer.concat(parts);
}

function parseNode(cursor: Cursor): Node | null {
  const { data } = cursor;
  const nameEnd = data.indexOf(0, cursor.at);
  const lineEnd = data.indexOf(0x0a, nameEnd + 1);
  if (nameEnd < 0 || lineEnd < 0) return null;
  const name = data.toString('latin1', cursor.at, nameEnd);
  const match = /^(-?\d+) (\d+)$/.exec(data.toString('latin1', nameEnd + 1, lineEnd));
  if (!match) return null;
  const count = Number(match[1]);
  cursor.at = lineEnd + 1;
  let oid: Buffer | null = null;
  if (count >= 0) {
    oid = data.subarray(cursor.at, cursor.at + 20);
    cursor.at += 20;
    if (cursor.at > data.length) return null;
  }
  const folders: Node[] = [];
  for (let left = Number(match[2]); left > 0; left--) {
    const folder = parseNode(cursor);
    if (folder === null) return null;
    folders.push(folder);
  }
  return { name, count, oid, folders };
}

function invalidate(root: Node, path: string): void {
  const parts = path.split('/');
  const last = parts.pop();
  let node: Node | undefined = root;
  for (const part of parts) {
    forget(node);
    node = node.folders.find((folder) => folder.name === part);
    if (node === undefined) return;
  }
  forget(node);
  node.folders = node.folders.filter((folder) => folder.name !== last);
}

function forget(node: Node): void {
  node.count = -1;
  node.oid = null;
}

function serialize(node: Node, parts: Buffer[]): void {
  parts.push(Buffer.from(`${node.name}\0${node.count} ${node.folders.length}\n`, 'latin1'));
  if (node.oid !== null) parts.push(node.oid);
  for (const folder of node.folders) serialize(folder, parts);
}
