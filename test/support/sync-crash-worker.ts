// A worker process for the crash test: one sync, during which it kills itself with SIGKILL, at a named step or before
// its n-th change of the disk. Arguments: a JSON object { worktree, facts, point } or { worktree, facts, change }.
// Without either it prints how many changes of the disk a whole sync makes. `engine` is `git` for the system's.

import type { FileHandle } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { GithubConfigSchema } from '../../src/model/project-config.ts';

type Call = (...args: unknown[]) => Promise<unknown>;

const { worktree, facts, point, change, engine } = JSON.parse(process.argv[2] ?? '{}');
const CHANGING = [
  'link',
  'mkdir',
  'rename',
  'rm',
  'rmdir',
  'unlink',
  'writeFile',
  'symlink',
  'copyFile',
  'appendFile',
];
const calls = createRequire(import.meta.url)('node:fs');
const disk = calls.promises as Record<string, Call>;
/** What is done without a way to another thread. */
const AT_ONCE = ['linkSync', 'mkdirSync', 'renameSync', 'unlinkSync', 'writeSync', 'ftruncateSync'];
let changes = 0;

const end = () => process.kill(process.pid, 'SIGKILL');

/** Names of modules follow this object once told to, so everything that is imported afterwards is counted. */
async function countChanges(): Promise<void> {
  const plainOpen = disk.open as Call;
  const before = (name: string, call: Call, isChange: (args: unknown[]) => boolean = () => true) => {
    disk[name] = (...args) => {
      if (isChange(args)) step();
      return call(...args);
    };
  };
  for (const name of CHANGING) before(name, disk[name] as Call);
  before('open', plainOpen, ([, flags]) => isForWriting(flags));
  for (const name of AT_ONCE) {
    const plain = calls[name] as (...args: unknown[]) => unknown;
    calls[name] = (...args: unknown[]) => {
      step();
      return plain(...args);
    };
  }
  countPrompt();
  const handle = (await plainOpen(process.execPath, 'r')) as FileHandle;
  const prototype = Object.getPrototypeOf(handle) as {
    writeFile: (data: string | Uint8Array) => Promise<void>;
  };
  await handle.close();
  const whole = prototype.writeFile;
  prototype.writeFile = async function (data) {
    // Two steps: one with nothing written, one with half of it.
    step();
    if (changes + 1 === change) await whole.call(this, data.slice(0, Math.ceil(data.length / 2)));
    step();
    return whole.call(this, data);
  };
  syncBuiltinESMExports();
}

const isForWriting = (flags: unknown) =>
  typeof flags === 'number' ? (flags & 3) !== 0 : /[wax+]/.test(String(flags ?? 'r'));

/** What src/host/open-file.ts and small-files.ts open and write; half of what is written, too. */
function countPrompt(): void {
  const plain = { open: calls.openSync, whole: calls.writeFileSync, some: calls.write };
  calls.openSync = (...args: unknown[]) => {
    if (isForWriting(args[1])) step();
    return plain.open(...args);
  };
  const halfFirst = (file: unknown, data: string | Uint8Array, options?: unknown) => {
    step();
    if (changes + 1 === change) plain.whole(file, data.slice(0, Math.ceil(data.length / 2)), options);
    step();
  };
  calls.writeFileSync = (file: unknown, data: string | Uint8Array, options?: unknown) => {
    halfFirst(file, data, options);
    return plain.whole(file, data, options);
  };
  calls.write = (file: unknown, data: Uint8Array, done: unknown) => {
    halfFirst(file, data);
    return plain.some(file, data, done);
  };
}

function step(): void {
  changes++;
  if (changes === change) end();
}

if (point === undefined) await countChanges();
const { syncOnce } = await import('./sync-once.ts');
changes = 0;
const { outcome } = await syncOnce({
  worktree,
  facts,
  github: GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], ...(engine && { engine }) }),
  ports: { fsync: () => true, faultPoint: (name) => void (name === point && end()) },
});
process.stdout.write(JSON.stringify({ outcome, changes }));
