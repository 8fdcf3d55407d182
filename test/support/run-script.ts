// A script of the tests as a process of its own, on the runtime that runs the tests.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { moduleArgs } from './module-args.ts';

/** `script` lies beside this file; the process starts in the project's folder. */
export function runScript(script: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  return spawn(process.execPath, [...moduleArgs(file), ...args], { cwd, stdio });
}
