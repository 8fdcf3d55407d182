// The bytes of a commit object and of a reflog's "who". Pure.

import { Failure } from '../../model/failure.ts';
import type { Identity } from '../types.ts';

/** `offsetMinutes` is east of UTC. */
export type CommitTime = { epochMs: number; offsetMinutes: number };

export type CommitContent = {
  tree: string;
  parent: string | null;
  author: Identity;
  committer: Identity;
  at: CommitTime;
  message: string;
};

/** @throws Failure `identity-missing` when a name is empty */
export function commitContent(commit: CommitContent): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...(commit.parent === null ? [] : [`parent ${commit.parent}`]),
    `author ${signature(commit.author, commit.at)}`,
    `committer ${signature(commit.committer, commit.at)}`,
    '',
    `${commit.message.replaceAll('\0', '').trimEnd()}\n`,
  ];
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** `Name <email> <epoch seconds> <+hhmm>`. @throws Failure `identity-missing` when the name is empty */
export function signature(who: Identity, at: CommitTime): string {
  const name = clean(who.name);
  if (name === '')
    throw new Failure('identity-missing', `The name ${JSON.stringify(who.name)} is empty for git.`);
  return `${name} <${clean(who.email)}> ${Math.floor(at.epochMs / 1000)} ${zone(at.offsetMinutes)}`;
}

/** What would break the line, and what git strips from the ends of names. */
function clean(text: string): string {
  return text.replace(/[<>\p{Cc}]/gu, '').replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '');
}

function zone(offsetMinutes: number): string {
  const minutes = Math.abs(Math.round(offsetMinutes));
  const digits = `${Math.floor(minutes / 60)}`.padStart(2, '0') + `${minutes % 60}`.padStart(2, '0');
  return `${offsetMinutes < 0 ? '-' : '+'}${digits}`;
}
