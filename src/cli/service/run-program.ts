// Runs a program of the system to its end. One that is not there ends as shells say it: with 127.

import { spawn } from 'node:child_process';
import type { Host } from '../../host/types.ts';

export type Ended = { code: number; out: string; error: string };

export function runProgram({ env }: Pick<Host, 'env'>, command: readonly string[]): Promise<Ended> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = { out: '', error: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ended.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ended.error += text;
    });
    child.once('error', (error) => resolve({ code: 127, out: '', error: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, ...ended }));
  });
}
