import { devNull } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, NO_RELEASES, type Project } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createIgnoreCache } from '../../src/runner/ignore-cache.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';

let repo: GitRepo | null = null;
afterEach(async () => {
  await repo?.remove();
  repo = null;
});

function projectAt(path: string): Project {
  return {
    projectId: 'p' as ProjectId,
    projectName: 'p',
    machineId: 'laptop',
    path,
    configHome: 'database',
    github: GithubConfigSchema.parse({ enabled: true }),
    pausedUntil: null,
    releases: NO_RELEASES,
    conflictChoice: null,
    facts: NO_FACTS,
  };
}

test('forget() drops the rules of a project: added again, it is judged by its settings of then', async () => {
  repo = await createGitRepo();
  await repo.write('first', 'build/\n');
  await repo.write('second', 'dist/\n');
  await repo.git('config', 'core.excludesFile', join(repo.path, 'first'));
  const env = { GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1' };
  const cache = createIgnoreCache({ env, homeDir: repo.path });
  const project = projectAt(repo.path);
  expect(await cache.isIgnored(project, 'build', true)).toBe(true);
  await repo.git('config', 'core.excludesFile', join(repo.path, 'second'));
  expect(await cache.isIgnored(project, 'build', true)).toBe(true);
  cache.forget(project.projectId);
  expect(await cache.isIgnored(project, 'build', true)).toBe(false);
  expect(await cache.isIgnored(project, 'dist', true)).toBe(true);
});
