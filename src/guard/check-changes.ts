// Decides which changed files stay on the machine, and why: size, name, content; and whether the deletions look
// like an accident. Must not know git, the queue or the store: content comes through `read`.

import type { Content } from '../model/content.ts';
import { MAX_FILE_BYTES } from '../model/held-file.ts';
import type { HeldFile, Releases } from '../model/project.ts';
import { deniedName, keyStoreName } from './deny-names.ts';
import { findMassDeletion, type MassDeletion } from './mass-deletion.ts';
import { matchesPathPattern } from './path-pattern.ts';
import { contentKind, createSecretScan, type ScanSecrets } from './scan-secrets.ts';
import type { SecretCache, SecretFinding } from './secret-cache.ts';

/** `path` is display text with `/` between parts; `oid` names the exact content (empty for `deleted`). */
export type CheckedFile = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly oid: string;
  readonly kind: 'added' | 'modified' | 'deleted';
  readonly isSymlink: boolean;
};

export type GuardPolicy = {
  /** Look for secrets, by name and by content. */
  readonly secrets: boolean;
  /** Larger files are held; at most 100,000,000 counts. */
  readonly maxFileBytes: number;
  /** Paths, patterns (`*`, `**`, `?`; from the project's root) or `sha1:<oid>` of one exact content. */
  readonly allow: readonly string[];
  /** Exact contents that a person let pass once, each at its path. */
  readonly released: Releases['files'];
  /** Judges what a person committed: by content, and by the name of what cannot be searched. Default false. */
  readonly committed?: boolean;
};

export type CheckInput = {
  readonly files: readonly CheckedFile[];
  /** Files that were tracked before these changes. */
  readonly trackedFiles: number;
  readonly policy: GuardPolicy;
  /** The content with this id; of a symlink, its target text. Large ones may come piece by piece. */
  read(path: string, oid: string): Promise<Content>;
  readonly cache: SecretCache;
  readonly signal: AbortSignal;
};

export type CheckResult = {
  /** At most one entry a file: the first rule that holds it. */
  held: HeldFile[];
  massDeletion: MassDeletion | null;
  /** Files that go through and deserve a word. */
  warnings: { path: string; detail: string }[];
};

const WARN_FILE_BYTES = 50_000_000;

/**
 * Checks every changed file by itself: one that is held never holds another. Idempotent; contents that were
 * scanned before are not read again. @throws what `read` throws, and the signal's reason when it is aborted
 */
export async function checkChanges(input: CheckInput): Promise<CheckResult> {
  const { files, policy, signal } = input;
  const result: CheckResult = {
    held: [],
    massDeletion: findMassDeletion(files, input.trackedFiles),
    warnings: [],
  };
  const scan = lazyScan();
  for (const file of files) {
    if (file.kind === 'deleted') continue;
    signal.throwIfAborted();
    const held = isAllowed(file, policy) ? tooLarge(file, MAX_FILE_BYTES) : await hold(file, input, scan);
    if (held) result.held.push({ ...held, oid: file.oid, sizeBytes: file.sizeBytes });
    else if (file.sizeBytes >= WARN_FILE_BYTES) result.warnings.push(largeFileWarning(file));
  }
  return result;
}

function isAllowed(file: CheckedFile, { allow, released }: GuardPolicy): boolean {
  if (released.some(({ path, oid }) => path === file.path && oid === file.oid)) return true;
  return allow.some((entry) =>
    entry.startsWith('sha1:')
      ? entry.slice('sha1:'.length).toLowerCase() === file.oid
      : matchesPathPattern(entry, file.path),
  );
}

async function hold(file: CheckedFile, input: CheckInput, scan: ScanSecrets): Promise<HeldFile | null> {
  const { committed = false, maxFileBytes, secrets } = input.policy;
  const large = tooLarge(file, committed ? Number.POSITIVE_INFINITY : Math.min(maxFileBytes, MAX_FILE_BYTES));
  if (large || !secrets) return large;
  const name = committed ? keyStoreName(file.path) : deniedName(file.path);
  if (name) return { path: file.path, reason: 'denied-name', rule: name };
  const finding = await findSecret(file, input, scan);
  return finding && { path: file.path, reason: 'secret', ...finding };
}

function tooLarge(file: CheckedFile, maxBytes: number): HeldFile | null {
  if (file.sizeBytes <= maxBytes) return null;
  return { path: file.path, reason: 'too-large', rule: `max-file-bytes ${maxBytes}` };
}

async function findSecret(
  file: CheckedFile,
  input: CheckInput,
  scan: ScanSecrets,
): Promise<SecretFinding | null> {
  const kind = contentKind(file.path);
  const key = `${kind}:${file.oid}`;
  const known = input.cache.get(key);
  if (known !== undefined) return known;
  const finding = await scan(await input.read(file.path, file.oid), kind, input.signal);
  input.cache.set(key, finding);
  return finding;
}

/** Loads the rules when the first content needs them: most syncs touch only known contents. */
function lazyScan(): ScanSecrets {
  let loading: Promise<ScanSecrets> | null = null;
  return async (content, kind, signal) => {
    loading ??= createSecretScan();
    return (await loading)(content, kind, signal);
  };
}

function largeFileWarning(file: CheckedFile): { path: string; detail: string } {
  const megabytes = Math.round(file.sizeBytes / 1_000_000);
  return {
    path: file.path,
    detail: `${file.path} has ${megabytes} MB; hosts advise against files from ${WARN_FILE_BYTES / 1_000_000} MB. Consider Git LFS.`,
  };
}
