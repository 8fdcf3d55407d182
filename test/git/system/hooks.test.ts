import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChangeGuard } from '../../../src/git/sync/sync-ports.ts';
import { openRow, type Row } from './repository.ts';

let row: Row;
beforeEach(async () => {
  row = await openRow();
});
afterEach(async () => {
  await row.end();
});

const done = { outcome: { kind: 'done', status: 'success' } };

test('hooks run on a commit as with git commit, and what is committed is exactly what the guard saw', async () => {
  await row.hook('pre-commit', 'git diff --cached --name-only > .git/pre && test -n "$GIT_INDEX_FILE"');
  await row.hook('prepare-commit-msg', 'echo "prepared: $2" >> "$1"');
  await row.hook('commit-msg', 'echo "Change-Id: 1" >> "$1"');
  await row.hook('post-commit', 'git log -1 --format=%s > .git/post');
  await row.hook('pre-push', 'cat > .git/pushed');
  await row.repo.write('a b.md', 'a\n');
  await row.repo.write('staged.md', 'staged\n');
  expect(await row.sync()).toMatchObject(done);
  const git = (name: string) => readFile(join(row.repo.path, '.git', name), 'utf8');
  expect(await git('pre')).toBe('a b.md\nstaged.md\n');
  expect(await row.repo.git('log', '-1', '--format=%B')).toMatch(/prepared: message\nChange-Id: 1/);
  expect(await git('post')).toBe(await row.repo.git('log', '-1', '--format=%s'));
  expect(await git('pushed')).toMatch(/^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main /);
  expect(row.seen.get('a b.md')).toBe('a\n');
  await row.expectSafe();
});

test('a pre-commit hook that refuses blocks with its words; nothing moves, and the next sync tries again', async () => {
  const before = await row.repo.git('rev-parse', 'HEAD');
  await row.hook('pre-commit', 'echo "no tabs, please" >&2; exit 1');
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync();
  expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code: 'commit-hook-refused' } });
  expect(JSON.stringify((answer.outcome as { failure: Error }).failure.message)).toContain('no tabs, please');
  expect(await row.repo.git('rev-parse', 'HEAD')).toBe(before);
  expect(await row.repo.git('status', '--porcelain')).toBe('?? a.md\n');
  await row.hook('pre-commit', 'exit 0');
  expect(await row.sync()).toMatchObject(done);
  await row.expectSafe();
});

test('what a formatting hook makes of a file is looked at again before it is committed', async () => {
  await row.hook(
    'pre-commit',
    'for f in $(git diff --cached --name-only); do tr a-z A-Z <$f >$f.t; mv $f.t $f; git add $f; done',
  );
  await row.repo.write('a.md', 'quiet\n');
  expect(await row.sync()).toMatchObject(done);
  expect(row.seen.get('a.md')).toBe('QUIET\n');
  expect(await row.there('a.md')).toBe('QUIET\n');
  await row.expectSafe();
});

test('a hook that puts in what the work tree does not hold is never committed or pushed', async () => {
  const script =
    'b=$(date +%s%N | git hash-object -w --stdin); git update-index --add --cacheinfo 100644,$b,secret.txt';
  await row.hook('pre-commit', script);
  const before = await row.repo.git('rev-parse', 'HEAD');
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync();
  expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code: 'commit-hook-edited' } });
  expect(await row.repo.git('rev-parse', 'HEAD')).toBe(before);
  expect(await row.server.refOf(row.remote.path, 'refs/heads/main')).toBeNull();
  expect(await row.repo.git('status', '--porcelain')).toBe('?? a.md\n');
});

test('a pre-push hook that refuses is named with its words, and the commit stays', async () => {
  await row.hook('pre-push', 'echo "tests fail" >&2; exit 1');
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync();
  expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code: 'push-hook-refused' } });
  expect((answer.outcome as { failure: Error }).failure.message).toContain('tests fail');
  expect(answer.facts.unpushedCommits).toBe(2);
  await row.hook('pre-push', 'exit 0');
  expect(await row.sync()).toMatchObject(done);
  await row.expectSafe();
});

test('a commit-msg hook that refuses moves nothing', async () => {
  await row.hook('commit-msg', 'echo "needs a ticket"; exit 1');
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync();
  expect((answer.outcome as { failure: Error }).failure.message).toContain(
    'commit-msg hook refused the commit: needs a ticket',
  );
  expect(await row.repo.git('status', '--porcelain')).toBe('?? a.md\n');
});

test('what else a person has staged stays staged, a held file stays out, as with git commit --only', async () => {
  await row.hook('pre-commit', 'exit 0');
  await row.repo.write('held.md', 'one\n');
  await row.repo.git('add', 'held.md');
  await row.repo.write('a.md', 'a\n');
  const hold = {
    held: [{ path: 'held.md', reason: 'secret', rule: 'test' } as const],
    massDeletion: null,
  };
  const guard: ChangeGuard = async ({ committed }) => (committed ? { held: [], massDeletion: null } : hold);
  expect(await row.sync({ ports: { guard } })).toMatchObject(done);
  expect(await row.repo.git('status', '--porcelain')).toBe('A  held.md\n');
  expect(await row.repo.git('show', '--format=', '--name-only', 'HEAD')).toBe('a.md\n');
});

test('a reference-transaction hook may refuse; the index is as before', async () => {
  await row.hook('reference-transaction', 'test "$1" != prepared || { echo "frozen" >&2; exit 1; }');
  await row.repo.write('a.md', 'a\n');
  const answer = await row.sync();
  expect(answer.outcome).toMatchObject({ kind: 'failed', failure: { code: 'commit-hook-refused' } });
  expect(await row.repo.git('status', '--porcelain')).toBe('?? a.md\n');
});
