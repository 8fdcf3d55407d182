// A script of the tests as a process of its own, on the runtime that runs the tests.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RUNTIME_ARGS = 'Deno' in globalThis ? ['run', '-A'] : ['--import', 'tsx'];

/** `script` lies beside this file; the process starts in the project's folder, where tsx is found. */
export function runScript(script: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  return spawn(process.execPath, [...RUNTIME_ARGS, file, ...args], { cwd, stdio });
}
