// Tests that need a program which not every machine has: left out by name, with the reason.

import { execFileSync } from 'node:child_process';
import { test } from 'vitest';

/** `test`, or `test.skip` where the machine lacks the program. */
export function needs(program: string, ...args: string[]) {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return test;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return test;
    console.warn(`SKIPPED: ${program} is not installed here, so what needs it was not tested.`);
    return test.skip;
  }
}
