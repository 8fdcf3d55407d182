import { expect, test } from 'vitest';
import { describeProject, heldInWords, type Project } from '../../src/cli/project-lines.ts';
import { reasonOf } from '../../src/model/failure.ts';
import type { FailureCode } from '../../src/model/failure-codes.ts';

const lines = (state: Project['state'], code: FailureCode | null): string => {
  const stateReason = code === null ? null : reasonOf(code, 'what happened');
  const project = { projectId: 'blog', state, stateReason, path: '/blog', lastSafeAt: null, heldFiles: [] };
  return describeProject(project as unknown as Project, 0, (_tone, text) => text).join('\n');
};

test('describeProject() names the command that ends a parking, and only where the project does not go on by itself', () => {
  expect(lines('blocked', 'repository-not-found')).toContain('\n  Then: gitferry sync blog\n');
  for (const [state, code] of [
    ['blocked', 'detached-head'],
    ['conflict', 'content-conflict'],
    ['retrying', 'git-failed'],
    ['safe', null],
  ] as const)
    expect(lines(state, code), state).not.toContain('Then:');
});

test('heldInWords() counts what is held in all projects, and says nothing where nothing is', () => {
  const having = (count: number) => ({ heldFiles: new Array(count).fill({}) as Project['heldFiles'] });
  expect(heldInWords([having(0)])).toBeNull();
  expect(heldInWords([having(1)])).toBe('1 file is held back on this machine: `gitferry hold list`.');
  expect(heldInWords([having(2), having(1)])).toMatch(/^3 files are held back/);
});
