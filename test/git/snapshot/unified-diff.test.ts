import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../../src/git/snapshot/unified-diff.ts';
import { createGitRepo } from '../../support/git-repo.ts';
import { diceOf } from '../../support/journey.ts';

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
const diff = (before: string | null, after: string | null) =>
  unifiedDiff({ name: 'f', before: bytes(before), after: bytes(after) });

test('unifiedDiff() shows changed lines with their surroundings', () => {
  expect(diff('1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\n2\n3\n4\nfive\n6\n7\n8\n9\n')).toBe(
    '--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
  );
  expect(diff('a', 'a\n')).toBe('--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n');
  expect(diff('same', 'same')).toBe('');
  expect(diff(null, 'x\n')).toBe('--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+x\n');
});

test('unifiedDiff() says nothing of contents that are no text', () => {
  expect(diff('a\0b', 'text')).toBeNull();
  expect(unifiedDiff({ name: 'f', before: Buffer.from([0xff, 0xfe]), after: null })).toBeNull();
});

test('git applies every diff of unifiedDiff() and gets exactly the other content', async () => {
  const repo = await createGitRepo();
  const dice = diceOf(11);
  const line = () => `${dice.pick(['', 'a', 'b', 'c', '}', 'ü'])}\n`;
  const text = (lines: string[]) =>
    dice.below(4) === 0 ? lines.join('').replace(/\n$/, '') : lines.join('');
  const edited = (lines: string[]) =>
    lines.flatMap((old) => {
      const turn = dice.below(12);
      return turn === 0 ? [] : turn === 1 ? [line()] : turn === 2 ? [old, line()] : [old];
    });
  try {
    for (let round = 0; round < 80; round++) {
      const lines = Array.from({ length: dice.below(60) }, line);
      const before = text(lines);
      const after = text(dice.below(5) === 0 ? Array.from({ length: dice.below(30) }, line) : edited(lines));
      const file = join(repo.path, 'f');
      await writeFile(file, before);
      const patch = diff(before, after);
      if (patch === '') {
        expect(after).toBe(before);
        continue;
      }
      await repo.gitBytes(['apply', '--unidiff-zero', '--whitespace=nowarn'], patch as string);
      expect((await repo.gitBytes(['hash-object', 'f'])).toString()).toBe(
        (await repo.gitBytes(['hash-object', '--stdin'], after)).toString(),
      );
    }
    // Beyond the bound of the search the whole is replaced, and that applies too.
    const old = Array.from({ length: 3_000 }, (_, n) => `old ${n}\n`).join('');
    const fresh = Array.from({ length: 3_000 }, (_, n) => `new ${n}\n`).join('');
    await writeFile(join(repo.path, 'f'), old);
    await repo.gitBytes(['apply'], diff(old, fresh) as string);
    await rm(join(repo.path, 'f'));
    await repo.gitBytes(['apply'], diff(null, fresh) as string);
    expect((await repo.gitBytes(['hash-object', 'f'])).toString()).toBe(
      (await repo.gitBytes(['hash-object', '--stdin'], fresh)).toString(),
    );
  } finally {
    await repo.remove();
  }
});
