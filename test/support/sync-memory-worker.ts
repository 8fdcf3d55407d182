// A process that syncs a repository with the real guard, twice: once to have everything loaded, then with whatever
// the first line of its input made ready. Prints how much its memory peak grew by the second, in bytes.
// Argument: the work tree.

import { createInterface } from 'node:readline/promises';
import { checkChanges } from '../../src/guard/check-changes.ts';
import { createSecretCache } from '../../src/guard/secret-cache.ts';
import { MAX_FILE_BYTES } from '../../src/model/held-file.ts';
import { syncOnce } from './sync-once.ts';

const worktree = process.argv[2] ?? '';
const cache = createSecretCache({ entries: 100 });
const policy = { secrets: true, maxFileBytes: MAX_FILE_BYTES, allow: [], released: [] };
const sync = () =>
  syncOnce({
    worktree,
    ports: { guard: (input) => checkChanges({ ...input, policy, cache }) },
  });
/** Kilobytes on Linux, on macOS, and in Node on every system. */
const peakBytes = () => process.resourceUsage().maxRSS * 1024;

await sync();
console.log(JSON.stringify({ ready: true }));
const lines = createInterface({ input: process.stdin });
await lines[Symbol.asyncIterator]().next();
lines.close();
const before = peakBytes();
const { outcome, stats } = await sync();
console.log(JSON.stringify({ outcome, bytesPushed: stats.bytesPushed, grownBytes: peakBytes() - before }));
