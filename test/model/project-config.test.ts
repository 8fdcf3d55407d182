import { expect, test } from 'vitest';
import { GithubConfigPatchSchema, GithubConfigSchema } from '../../src/model/project-config.ts';

test.each([
  ['https://github.com/u/r.git', true],
  ['https://git.example.com:8443/u/r.git', true],
  ['git@github.com:u/r.git', true],
  ['ssh://git@github.com/u/r.git', true],
  ['https://user:secret@github.com/u/r.git', false],
  ['https://secret@github.com/u/r.git', false],
  ['ssh://git:secret@github.com/u/r.git', false],
])('a remote of %s may be stored: %s', (remoteUrl, allowed) => {
  expect(GithubConfigSchema.safeParse({ remoteUrl }).success).toBe(allowed);
  expect(GithubConfigPatchSchema.safeParse({ remoteUrl }).success).toBe(allowed);
  expect(GithubConfigSchema.safeParse({ remotes: [{ name: 'm', url: remoteUrl }] }).success).toBe(allowed);
});
