// What the figures were measured on: without it they say nothing.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export type Machine = Record<string, string>;

export function describeMachine(): Machine {
  const isomorphic = new URL('../../node_modules/isomorphic-git/package.json', import.meta.url);
  return {
    date: new Date().toISOString(),
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    load: loadNow(),
    system: `${type()} ${release()}`,
    node: process.version,
    git: execFileSync('git', ['--version']).toString().trim().replace('git version ', ''),
    'isomorphic-git': JSON.parse(readFileSync(isomorphic, 'utf8')).version,
  };
}

/** Means over 1, 5 and 15 minutes. */
export function loadNow(): string {
  return loadavg()
    .map((each) => each.toFixed(2))
    .join(' ');
}
