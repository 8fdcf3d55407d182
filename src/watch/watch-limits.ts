// Why a project cannot be watched, in words that name the limit to raise. Pure.

const REMEDIES: Record<string, string> = {
  ENOSPC:
    'the system has no file watches left: raise fs.inotify.max_user_watches (sudo sysctl fs.inotify.max_user_watches=524288)',
  EMFILE:
    'too many files or watch instances are open: raise fs.inotify.max_user_instances (sudo sysctl fs.inotify.max_user_instances=1024) or the open-files limit (ulimit -n)',
  ENFILE: 'the system has no file handles left: raise fs.file-max (sudo sysctl fs.file-max=1000000)',
  EPERM: 'the system forbids watching it: give the user that runs gitferry permission to read the folder',
  ENOSYS: 'this file system cannot be watched',
  EOPNOTSUPP: 'this file system cannot be watched',
};

/** The code of a limit that a retry cannot get past, or null for any other error. */
export function watchLimitOf(error: unknown): string | null {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code in REMEDIES ? code : null;
  // Deno gives this limit as a plain error without a code.
  if (typeof message !== 'string') return null;
  if (/file watch limit reached|no space left on device/i.test(message)) return 'ENOSPC';
  if (/too many open files/i.test(message)) return 'EMFILE';
  return null;
}

/** The system lost events in a burst, and goes on: what changed is unknown, but the watch is not broken. */
export function isOverflow(error: unknown): boolean {
  return error instanceof Error && /dropped events/i.test(error.message);
}

/** What a person is told about a folder that is only scanned from now on. */
export function scanOnlyReason(folder: string, error: unknown): string {
  const limit = watchLimitOf(error);
  const why = (limit && REMEDIES[limit]) ?? (error instanceof Error ? error.message : String(error));
  return `${folder} is scanned and not watched: ${why}`;
}
