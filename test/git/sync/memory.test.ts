import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { createGitRepo, gitEnv, runGit } from '../../support/git-repo.ts';
import { startGitServer } from '../../support/git-server.ts';
import { moduleArgs } from '../../support/module-args.ts';

const isDeno = process.versions.deno !== undefined;
const FILE_BYTES = 95_000_000;
const MOST_GROWTH_BYTES = 120_000_000;
const BUSY_MACHINE_MS = 240_000;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Half of it cannot be compressed, half of it is text. */
async function writeLargeFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  const text = Buffer.from('an ordinary line of an ordinary log file, again and again\n'.repeat(9_000));
  for (let written = 0; written < FILE_BYTES; ) {
    const part = written < FILE_BYTES / 2 ? randomBytes(500_000) : text;
    const piece = part.subarray(0, FILE_BYTES - written);
    await file.writeFile(piece);
    hash.update(piece);
    written += piece.length;
  }
  await file.close();
  return hash.digest('hex');
}

test.skipIf(isDeno)(
  'a file of 95 MB goes through a whole sync without being held in memory',
  async () => {
    const server = await startGitServer();
    cleanUps.push(() => server.stop());
    const remote = await server.createRepo('project');
    const repo = await createGitRepo();
    cleanUps.push(repo.remove);
    await repo.git('remote', 'add', 'origin', remote.url);
    await repo.write('small.txt', 'small');
    const worker = join(import.meta.dirname, '../../support/sync-memory-worker.ts');
    const child = spawn(process.execPath, [...moduleArgs(worker), repo.path], {
      env: gitEnv(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    cleanUps.push(async () => child.kill());
    const closed = once(child, 'close');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect(JSON.parse((await lines.next()).value)).toEqual({ ready: true });
    const digest = await writeLargeFile(join(repo.path, 'large.bin'));
    child.stdin.end('go\n');
    const result = JSON.parse((await lines.next()).value);
    expect(await closed).toEqual([0, null]);
    console.log(
      `memory grew by ${Math.round(result.grownBytes / 1e6)} MB for a file of ${FILE_BYTES / 1e6} MB`,
    );
    expect(result.outcome).toEqual({ kind: 'done', status: 'success' });
    expect(result.bytesPushed).toBeGreaterThan(FILE_BYTES / 2);
    expect(result.grownBytes).toBeLessThan(MOST_GROWTH_BYTES);
    const arrived = await runGit(['--git-dir', remote.path, 'cat-file', 'blob', 'main:large.bin'], {
      cwd: server.root,
    });
    expect(createHash('sha256').update(arrived).digest('hex')).toBe(digest);
  },
  BUSY_MACHINE_MS,
);
