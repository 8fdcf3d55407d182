// What a commit of ours says: a sentence a person can read in the log, or the project's own template.

import type { GithubConfig } from '../../model/project-config.ts';
import { displayPath } from '../paths.ts';
import type { FileChange } from '../types.ts';

const VERBS = { added: 'Add', modified: 'Update', deleted: 'Delete' } as const;
/** Longest list of names that `{files}` is replaced by. */
const MOST_FILES = 20;

export type MessageInput = {
  changes: readonly FileChange[];
  machineId: string;
  branch: string;
  /** Epoch milliseconds. */
  now: number;
  config: GithubConfig['commit'];
};

/** The whole message. Placeholders: `{files} {count} {summary} {machine} {date} {branch}`. */
export function commitMessage(input: MessageInput): string {
  const { changes, machineId, branch, now, config } = input;
  const names = changes.map((change) => oneLine(displayPath(change.path)));
  const template = typeof config?.message === 'string' ? config.message : '{summary}';
  const values: Record<string, string> = {
    files: names.slice(0, MOST_FILES).join(', '),
    count: String(names.length),
    summary: summaryOf(changes, names),
    machine: machineId,
    date: new Date(now).toISOString(),
    branch,
  };
  const text = template.replace(/\{(\w+)\}/g, (all, key: string) => values[key] ?? all).trim();
  return withTrailer(text === '' ? (values.summary as string) : text, input);
}

/** Ends a message as all of ours end: with the machine that made the commit, unless the project does not want it. */
export function withTrailer(body: string, { config, machineId }: MessageInput): string {
  return config?.trailers === false ? `${body}\n` : `${body}\n\nGitferry-Machine: ${machineId}\n`;
}

function summaryOf(changes: readonly FileChange[], names: readonly string[]): string {
  const first = names[0] ?? 'nothing';
  const kinds = new Set(changes.map((change) => change.kind));
  const [kind] = kinds;
  const verb = kinds.size === 1 && kind ? VERBS[kind] : 'Update';
  const more = names.length - 1;
  if (more === 0) return `${verb} ${first}`;
  return `${verb} ${first} and ${more} more ${more === 1 ? 'file' : 'files'}`;
}

/** A line break in a file name must not begin a new line of the message. */
export function oneLine(name: string): string {
  return JSON.stringify(name).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}
