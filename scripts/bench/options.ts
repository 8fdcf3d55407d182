// What `npm run bench` understands, and the sizes that each benchmark has when nothing is said.

import { parseArgs } from 'node:util';

export const HELP = `npm run bench -- <name> [options]
  sync      save to remote, beside git, gitwatch and isomorphic-git    --files 100,5000,50000  --gitwatch <gitwatch.sh>
  queue     take a job and complete it, beside other queues            --pending 100,10000,100000  --pairs 500
  api       the status at 100 requests a second                        --history 1000,1000000  --seconds 10
  start     from the start to the first sync                           --projects 10,1000
  scan      clean projects, beside git status in each                  --projects 1000  --files 100
  idle      many projects at rest, beside as many gitwatches           --projects 200  --files 500  --seconds 40  --gitwatch <gitwatch.sh>
  watch     one large tree, beside fs.watch and chokidar               --files 100000  --folders 200  --burst 10000
  feed      listeners at 200 events a second                           --listeners 1000  --seconds 10
  machines  several machines on one libSQL server                      --machines 1,2,3  --pending 2000  --seconds 5
  all       all of them in turn

  --runs 5     runs of each
  --quick      two runs of each
  --smallest   one run of the smallest sizes: shows that it works, and judges nothing
  --json       the report as JSON on standard output

  queue installs what it compares with into a temporary folder; BullMQ needs redis-server on the PATH.
`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  smallest: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  runs: { type: 'string' },
  gitwatch: { type: 'string' },
  files: { type: 'string' },
  folders: { type: 'string' },
  burst: { type: 'string' },
  pending: { type: 'string' },
  pairs: { type: 'string' },
  history: { type: 'string' },
  projects: { type: 'string' },
  listeners: { type: 'string' },
  machines: { type: 'string' },
  seconds: { type: 'string' },
} as const;

export type BenchOptions = {
  name: string;
  quick: boolean;
  smallest: boolean;
  json: boolean;
  help: boolean;
  runs: number;
  gitwatch: string | null;
  /** The numbers of an option: those given, or the usual, or with `--smallest` the smallest. */
  sizes(name: SizeName, usual: readonly number[], smallest: readonly number[]): readonly number[];
  /** The same for an option of one number. */
  size(name: SizeName, usual: number, smallest: number): number;
};
const SIZE_NAMES = [
  ...(['files', 'folders', 'burst', 'pending', 'pairs', 'history'] as const),
  ...(['projects', 'listeners', 'machines', 'seconds'] as const),
];
type SizeName = (typeof SIZE_NAMES)[number];

/** @throws TypeError for an option that does not exist, or a value that is no number */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  const { quick, smallest, json, help } = values;
  const given = new Map(SIZE_NAMES.map((each) => [each, numbersOf(each, values[each])]));
  const sizes: BenchOptions['sizes'] = (name, usual, least) => given.get(name) ?? (smallest ? least : usual);
  const usualRuns = quick ? 2 : 5;
  return {
    ...{ quick, smallest, json, help, sizes },
    name: positionals[0] ?? '',
    runs: values.runs === undefined ? (smallest ? 1 : usualRuns) : numberOf('runs', values.runs),
    gitwatch: values.gitwatch ?? null,
    size: (name, usual, least) => sizes(name, [usual], [least])[0] ?? usual,
  };
}

function numbersOf(name: string, list: string | undefined): number[] | null {
  return list === undefined ? null : list.split(',').map((text) => numberOf(name, text));
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0) return value;
  throw new TypeError(`--${name}: "${text}" is not a number above 0`);
}
