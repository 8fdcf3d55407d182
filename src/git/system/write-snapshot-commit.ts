// Writes the commit of a snapshot, signed where the person signs their commits and that needs no question: snapshots
// are taken while nobody looks. Without a signature work is still better kept than lost.

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import { writeFailure } from '../io-failure.ts';
import { type SnapshotContent, snapshotContent, snapshotMessage } from '../snapshot/snapshot-commit.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { person } from './commit-input.ts';
import type { RunGit } from './run-git.ts';

/** A key that waits to be touched, or an agent that asks, is not waited for any longer. */
const SIGN_TIMEOUT_MS = 10_000;
/** Programs that know how to give up instead of asking. */
const NEVER_ASKS = /^gpg(?:sm|2)?(?:\.exe)?$/;
const SIGNER = `#!/bin/sh
exec "$GITFERRY_SIGNER" --batch --no-tty --pinentry-mode error "$@"
`;

type Store = { repo: Repository; config: GitConfig; objects: ObjectStore; git: RunGit };

/** Answers its id. @throws Failure `identity-missing`, `disk-full`, `write-refused`, `aborted` */
export async function writeSnapshotCommit(store: Store, content: SnapshotContent): Promise<string> {
  const signed = store.config.getBoolean('commit.gpgSign') ? await sign(store, content) : null;
  return signed ?? store.objects.write('commit', snapshotContent(content));
}

/** Null when it cannot be done without a question. */
async function sign({ repo, config, git }: Store, content: SnapshotContent): Promise<string | null> {
  const quiet = await withoutQuestions(repo, config);
  if (quiet === null) return null;
  const { tree, parents, identity, at } = content;
  const args = [
    ...['-c', 'i18n.commitEncoding=UTF-8', ...quiet.options, 'commit-tree', tree, '-S'],
    ...parents.flatMap((parent) => ['-p', parent]),
  ];
  const env = { ...quiet.env, ...person('AUTHOR', identity, at), ...person('COMMITTER', identity, at) };
  try {
    const call = { env, input: snapshotMessage(content), changes: true, timeoutMs: SIGN_TIMEOUT_MS };
    const { code, out } = await git(args, call);
    return code === 0 ? out.toString('latin1').trim() : null;
  } catch (error) {
    if (error instanceof Failure && error.code === 'job-timeout') return null;
    throw error;
  }
}

/** Null for a program that may ask whatever it is told. */
async function withoutQuestions(repo: Repository, config: GitConfig) {
  const format = config.get('gpg.format') ?? 'openpgp';
  const env = { SSH_ASKPASS_REQUIRE: 'never', DISPLAY: undefined, GPG_TTY: undefined };
  if (format === 'ssh') {
    return config.get('gpg.ssh.program') === undefined ? { options: [], env } : null;
  }
  const key = `gpg.${format}.program`;
  const old = format === 'openpgp' ? config.get('gpg.program') : undefined;
  const program = config.get(key) ?? old ?? (format === 'x509' ? 'gpgsm' : 'gpg');
  if (!NEVER_ASKS.test(basename(program))) return null;
  const script = await writeScript(repo);
  return { options: ['-c', `${key}=${script}`], env: { ...env, GITFERRY_SIGNER: program } };
}

async function writeScript(repo: Repository): Promise<string> {
  const folder = join(repo.gitDir, 'gitferry.ask');
  const path = join(folder, 'sign');
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, SIGNER);
    await chmod(path, 0o700);
    return path;
  } catch (error) {
    throw writeFailure(error, path);
  }
}
