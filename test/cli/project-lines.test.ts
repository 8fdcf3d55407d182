import { expect, test } from 'vitest';
import { describeProject, type Project } from '../../src/cli/project-lines.ts';
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
