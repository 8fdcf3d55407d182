// Where work goes that cannot be brought together with the remote's by itself. Pure.

/** `sync/<machine>/<branch>`, valid as a branch whatever the machine is called. */
export function conflictBranchName(machineId: string, branch: string): string {
  return `sync/${safePart(machineId)}/${branch}`;
}

/** A machine's name as one part of a branch or file name. */
export function safePart(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.-]+|[.-]+$/g, '')
    .replace(/\.lock$/i, '-lock')
    .slice(0, 60)
    .replace(/[.-]+$/, '');
  return safe === '' ? 'machine' : safe;
}
