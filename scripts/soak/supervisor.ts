// Keeps the processes of a soak alive and ends them, each as its fate says: killed or frozen at a fault point, or at
// any time. A frozen one comes back after its lease has run out, and is killed a little later.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gitEnv } from '../../test/support/git-repo.ts';
import type { Deck, Fate } from './schedule.ts';
import type { Task } from './soak-process.ts';

/** Instants are epoch milliseconds; `killedAt` is when its end began at the latest, null for an end in good order. */
export type Life = { who: string; bornAt: number; killedAt: number | null; exitCode: number | null };

export type Population = { lives: Life[]; kills: number; freezes: number; strikes: number };

/** With which arguments Node runs the module at this path. */
export type ModuleArgs = (path: string) => readonly string[];

export type Slot = {
  /** First part of the names. */
  kind: string;
  program: 'worker.ts' | 'producer.ts';
  moduleArgs: ModuleArgs;
  deck: Deck;
  task(who: string): Omit<Task, 'who' | 'sentence'>;
};

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const here = (program: string) => fileURLToPath(new URL(program, import.meta.url));
/** A fault point that does not come up is given up after so long. */
const STRIKE_LIMIT_MS = 2_500;
/** Others need some time to do its work meanwhile. */
const FROZEN_LEASES = 1.8;
const AFTER_THAW_MS = 700;

export function createPopulation(): Population {
  return { lives: [], kills: 0, freezes: 0, strikes: 0 };
}

/** One life after the other in this slot, until `over()`; then the last one is killed. */
export async function keepAlive(
  slot: Slot,
  population: Population,
  options: { leaseMs: number; over: Promise<void> },
): Promise<void> {
  let isOver = false;
  const over = options.over.then(() => {
    isOver = true;
  });
  for (let born = 0; !isOver; born++) {
    const fate = slot.deck.next();
    const sentence = fate.how === 'point' ? fate.sentence : null;
    const process = startProcess(slot, `${slot.kind}-${born}`, sentence, population);
    await Promise.race([process.exited, process.said('up'), over]);
    if (!isOver) await Promise.race([befall(process, fate, population, options.leaseMs), over]);
    await process.kill();
    // It failed by itself: that is evidence, and the next one would fail as well.
    if (process.exitCode() !== null) return;
    population.kills += 1;
  }
}

async function befall(
  process: SoakProcess,
  fate: Fate,
  population: Population,
  leaseMs: number,
): Promise<void> {
  if (fate.how === 'time') {
    await Promise.race([process.exited, delay(fate.afterMs)]);
    if (fate.act === 'kill') return;
    process.signal('SIGSTOP');
  } else if (fate.sentence.act === 'kill') {
    const struck = process.exited.then(() => true);
    if (await Promise.race([struck, delay(STRIKE_LIMIT_MS, false)])) population.strikes += 1;
    return;
  } else {
    const frozen = process.said('frozen').then(() => true);
    if (!(await Promise.race([frozen, process.exited.then(() => false), delay(STRIKE_LIMIT_MS, false)])))
      return;
    population.strikes += 1;
  }
  await delay(leaseMs * FROZEN_LEASES);
  process.signal('SIGCONT');
  await Promise.race([process.exited, delay(AFTER_THAW_MS)]);
  population.freezes += 1;
}

export type SoakProcess = ReturnType<typeof startProcess>;

export function startProcess(
  slot: Omit<Slot, 'deck' | 'kind'>,
  who: string,
  sentence: Task['sentence'],
  population: Population,
) {
  const task = { ...slot.task(who), who, sentence };
  const life: Life = { who, bornAt: Date.now(), killedAt: null, exitCode: null };
  population.lives.push(life);
  const child = spawn(process.execPath, [...slot.moduleArgs(here(slot.program)), JSON.stringify(task)], {
    cwd: ROOT,
    env: gitEnv({ NODE_ENV: 'test' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit').then(() => {
    if (child.signalCode === 'SIGKILL') life.killedAt ??= Date.now();
    life.exitCode = child.exitCode;
  });
  return {
    who,
    exited,
    said: wordsOf(child),
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** SIGKILL, and waits for the end. */
    async kill(): Promise<void> {
      if (child.exitCode === null && child.signalCode === null) life.killedAt = Date.now();
      child.kill('SIGKILL');
      await exited;
    },
    /** SIGTERM, and waits for the end; answers the exit code. */
    async stop(): Promise<number | null> {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
    exitCode: () => child.exitCode,
  };
}

/** Resolves when the process has said a word on a line of its own; never when it ends before. */
function wordsOf(child: ChildProcess): (word: string) => Promise<void> {
  const heard = new Set<string>();
  const waiting = new Map<string, () => void>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    for (const word of text.split('\n')) {
      heard.add(word);
      waiting.get(word)?.();
    }
  });
  return (word) =>
    new Promise((resolve) => {
      if (heard.has(word)) resolve();
      else waiting.set(word, resolve);
    });
}
