// Ends a process that leads a group of its own together with all that it started.

/** False when the group cannot be reached: it has ended, or the runtime's permissions do not let us. */
export function endProcessGroup(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false; // the caller falls back to the process alone
  }
}
