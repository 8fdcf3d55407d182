// A process that starts a changing git command and is killed before it has noted which one. Argument: a JSON object
// { worktree, env }.

import { createRequire, syncBuiltinESMExports } from 'node:module';

const { worktree, env } = JSON.parse(process.argv[2] ?? '{}');
const disk = createRequire(import.meta.url)('node:fs').promises as Record<string, unknown>;
// The note appears by a rename.
disk.rename = () => process.kill(process.pid, 'SIGKILL');
syncBuiltinESMExports();

const { gitRunner } = await import('../../src/git/system/run-git.ts');
const { openRepository } = await import('../../src/git/repository.ts');
const { systemClock } = await import('../../src/host/clock.ts');
const repo = await openRepository(worktree);
const git = gitRunner({ repo, env, clock: systemClock, signal: new AbortController().signal });
await git(['update-ref', 'refs/heads/made', 'HEAD'], { changes: true });
