// The commits that integrating makes: a merge of two, or one of ours repeated on top of theirs.

import { type CommitTime, signature } from '../objects/commit-object.ts';
import type { Identity, ObjectStore } from '../types.ts';

export type Merge = { tree: string; ours: string; theirs: string; message: string };
export type Maker = { identity: Identity; at: CommitTime };

/** `ours` is the first parent, so that `git log --first-parent` tells what happened here. */
export async function writeMerge(
  objects: ObjectStore,
  merge: Merge,
  { identity, at }: Maker,
): Promise<string> {
  const who = signature(identity, at);
  const lines = [
    `tree ${merge.tree}`,
    `parent ${merge.ours}`,
    `parent ${merge.theirs}`,
    `author ${who}`,
    `committer ${who}`,
    '',
    `${merge.message.replaceAll('\0', '').trimEnd()}\n`,
  ];
  return objects.write('commit', Buffer.from(lines.join('\n'), 'utf8'));
}

/** The same author, encoding and message; a signature would no longer be true and is left out. */
export async function repeatCommit(
  objects: ObjectStore,
  commit: { oid: string; tree: string; parent: string },
  { identity, at }: Maker,
): Promise<string> {
  const text = (await objects.read(commit.oid)).content.toString('latin1');
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const author = /^author .*$/m.exec(head)?.[0] ?? `author ${latin(signature(identity, at))}`;
  const encoding = /^encoding .*$/m.exec(head)?.[0];
  const lines = [
    `tree ${commit.tree}`,
    `parent ${commit.parent}`,
    author,
    `committer ${latin(signature(identity, at))}`,
    ...(encoding === undefined ? [] : [encoding]),
  ];
  const message = end < 0 ? '' : text.slice(end + 2);
  return objects.write('commit', Buffer.from(`${lines.join('\n')}\n\n${message}`, 'latin1'));
}

/** Bytes as characters, as the rest of the commit is. */
function latin(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
