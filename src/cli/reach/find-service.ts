// Finds the service that a command is for: the one at the database in force here; without one, the only one of this user.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Layers, mergeLayers } from '../../config/layers.ts';
import type { Config } from '../../config/settings.ts';
import { isLockHeld } from '../../host/lock-file.ts';
import type { Host } from '../../host/types.ts';
import { Failure } from '../../model/failure.ts';
import { readLayers } from '../read-layers.ts';
import { exists, knownServices } from './known-services.ts';
import { type Runtime, readRuntimeFile, runtimeFileOf } from './runtime-file.ts';

/** The options by which every command that asks a service says which one. */
export type ReachOptions = { db?: string; config?: string; url?: string; json?: boolean };

export type FoundService =
  /** Named by its address; `token` is that of the environment. */
  | { kind: 'address'; url: string; token: string | null }
  | { kind: 'running'; url: string; token: string; runtime: Runtime; databasePath: string }
  /** None runs; `isStale`: one was killed and left its runtime file. `layers` name the database that is read instead. */
  | { kind: 'stopped'; databasePath: string; isStale: boolean; layers: Layers; config: Config };

const LONGEST_START_MS = 15_000;
const LOOK_EVERY_MS = 100;

export async function findService(host: Host, options: ReachOptions): Promise<FoundService> {
  if (options.url !== undefined) {
    return { kind: 'address', url: options.url, token: host.env.SYNC_API_TOKEN || null };
  }
  const { layers, issues } = await readLayers(host, options);
  const { config, sources } = mergeLayers(layers, issues);
  const here = resolve(host.cwd, config['schedulerOptions.dbPath']);
  const found = await lookUntilStarted(here, host);
  if (found.kind === 'running') return found;
  const stopped = (databasePath: string, isStale: boolean): FoundService => {
    const flag = { ...layers.flag, 'schedulerOptions.dbPath': databasePath };
    return { kind: 'stopped', databasePath, isStale, layers: { ...layers, flag }, config };
  };
  const isNamed = sources['schedulerOptions.dbPath'] !== 'default' || config.dbUrl !== null;
  if (isNamed || found.isStale || (await exists(here))) return stopped(here, found.isStale);
  const known = await knownServices(host);
  const looked = await Promise.all(known.map((path) => lookUntilStarted(path, host)));
  const running = looked.filter((one) => one.kind === 'running');
  const [only] = running;
  if (only !== undefined && running.length === 1) return only;
  if (running.length > 1) throw new SeveralServices('run', running);
  const [last] = looked;
  if (last === undefined || last.kind === 'running') return stopped(here, false);
  if (looked.length > 1) throw new SeveralServices('were here', looked);
  return stopped(last.databasePath, last.isStale);
}

type Looked =
  | Extract<FoundService, { kind: 'running' }>
  | { kind: 'absent'; isStale: boolean; databasePath: string };

/** From its lock on a service starts, and a moment later says where it answers; who asks meanwhile waits. */
async function lookUntilStarted(databasePath: string, { clock }: Host): Promise<Looked> {
  for (;;) {
    const found = await lookAt(databasePath);
    if (found.kind === 'running' || !(await isStarting(databasePath, clock.now()))) return found;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** A lock that is held for longer is of a program that embeds the service, or of one that ends. */
async function isStarting(databasePath: string, now: number): Promise<boolean> {
  const lock = `${databasePath}.lock`;
  const ageMs = await stat(lock).then(
    ({ mtimeMs }) => now - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  return ageMs < LONGEST_START_MS && (await isLockHeld(lock));
}

async function lookAt(databasePath: string): Promise<Looked> {
  const found = await readRuntimeFile(runtimeFileOf(databasePath));
  if (found.kind !== 'running') return { kind: 'absent', isStale: found.kind === 'stale', databasePath };
  const { runtime } = found;
  return { kind: 'running', url: runtime.url, token: runtime.token, runtime, databasePath };
}

/** It is not said which of several services is meant. */
export class SeveralServices extends Failure {
  constructor(what: string, services: readonly { databasePath: string }[]) {
    const paths = services.map(({ databasePath }) => `  ${databasePath}`);
    super('invalid-request', `Several services ${what}:\n${paths.join('\n')}`, {
      action: 'Say which one is meant: --db <file>.',
    });
  }
}
