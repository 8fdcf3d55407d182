// What the processes of a soak say of themselves: one line each in a file that all append to, so that the lines stand
// in the order in which things happened. A killed process loses none that it wrote. Knows nothing of what is proved.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type Entry =
  /** The process can work from here on; `pid` is its own. */
  | { kind: 'up'; who: string; pid: number }
  /** It ends or freezes itself at a fault point; `at` is epoch milliseconds. */
  | { kind: 'struck'; who: string; at: number; act: 'kill' | 'freeze'; point: string; moment: string }
  /** A file with this number was written in the project's work tree. */
  | { kind: 'saved'; project: string; change: number }
  /** Its word was taken by the queue: `generation` was counted for it in the same transaction. */
  | { kind: 'queued'; project: string; change: number; generation: number }
  /** A step of a sync, under this claim. */
  | { kind: 'step'; who: string; project: string; fence: number; name: string }
  /** The queue answered that this claim was settled with this status. */
  | { kind: 'settled'; who: string; jobId: number; fence: number; status: string }
  /** An error that nothing in the soak explains. */
  | { kind: 'fault'; who: string; text: string }
  /** A planted bug was met for the first time. */
  | { kind: 'planted'; who: string };

export type Journal = { path: string; note(entry: Entry): void; read(): Entry[] };

export function openJournal(path: string): Journal {
  return {
    path,
    note: (entry) => appendFileSync(path, `${JSON.stringify(entry)}\n`),
    read: () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').flatMap(parse) : []),
  };
}

function parse(line: string): Entry[] {
  return line === '' ? [] : [JSON.parse(line) as Entry];
}
