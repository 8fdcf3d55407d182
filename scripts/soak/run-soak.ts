// One soak from an empty database to the auditor's word: a live producer, workers that are killed and frozen, then a
// last change in every project, quiet, and the audit.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createEventBus } from '../../src/events/bus.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { appendEvents, eventBounds, readEvents } from '../../src/store/events.ts';
import { diceOf } from '../../test/support/journey.ts';
import { type Arena, openArena } from './arena.ts';
import { audit, type Violation } from './audit.ts';
import { type Evidence, gatherEvidence } from './evidence.ts';
import { type Journal, openJournal } from './journal.ts';
import { loadPlant, type PlantedAt } from './plant.ts';
import { type Deck, producerDeck, workerDeck } from './schedule.ts';
import { untilAnswered } from './soak-process.ts';
import {
  createPopulation,
  keepAlive,
  type ModuleArgs,
  type Population,
  type Slot,
  startProcess,
} from './supervisor.ts';

export type SoakOptions = {
  seed: number;
  /** How long processes are killed and changes made. */
  lastsMs: number;
  /** However slow the machine, it goes on until so much has happened (for three more minutes at most). */
  least?: { kills: number; freezes: number };
  workers: number;
  projects: number;
  /** `local`, `sqld` (a server of our own, killed too), or the URL of an empty database. */
  db: string;
  leaseMs: number;
  /** Longest pause between two changes. */
  pauseMs: number;
  /** How long the work that is left may take when nobody is killed any more; default 60 s. */
  quietLimitMs?: number;
  plant?: PlantedAt;
  /** In place of fates by the seed. */
  deck?: Deck;
  /** Default: from the sources. */
  moduleArgs?: ModuleArgs;
};

export type SoakReport = {
  seed: number;
  population: Population;
  evidence: Evidence;
  serverKills: number;
  violations: Violation[];
};

const QUIET_LIMIT_MS = 60_000;
const PATIENCE_MS = 180_000;
const LOOK_MS = 50;
const fromSources: ModuleArgs = (path) => ['--import', 'tsx', path];
const SERVER_LIFE_MS = 6_000;

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const arena = await openArena(options.db, options.projects);
  try {
    return await soakIn(arena, options);
  } finally {
    await arena.remove();
  }
}

async function soakIn(arena: Arena, options: SoakOptions): Promise<SoakReport> {
  const { leaseMs, seed } = options;
  const journal = openJournal(join(arena.folder, 'journal'));
  const plant = await loadPlant(options.plant ?? null);
  for (const sql of plant.statements ?? []) await arena.db.run(sql);
  const listener = await listen(arena, options.quietLimitMs ?? QUIET_LIMIT_MS);
  const population = createPopulation();
  const serverKills = await chaos(arena, options, journal, population);
  await untilQuiet(arena, options, journal, population);
  const heard = await listener.end();
  const seen = { leaseMs, lives: population.lives, heard, entries: journal.read() };
  const evidence = await gatherEvidence(arena, seen);
  return { seed, population, evidence, serverKills, violations: audit(evidence) };
}

/** Everything that is killed is killed here. */
async function chaos(
  arena: Arena,
  options: SoakOptions,
  journal: Journal,
  population: Population,
): Promise<number> {
  const { seed, leaseMs } = options;
  const end = { is: false };
  const over = untilEnough(options, population).then(() => {
    end.is = true;
  });
  const deck = options.deck ?? workerDeck(diceOf(seed));
  const slots = Array.from({ length: options.workers }, (_, at) =>
    workerSlot(arena, options, journal, `worker-${at}`, deck),
  );
  const producer = producerSlot(arena, options, journal, producerDeck(diceOf(seed + 1)));
  const lives = [...slots, producer].map((slot) => keepAlive(slot, population, { leaseMs, over }));
  let serverKills = 0;
  if (arena.sqld) {
    const dice = diceOf(seed + 2);
    while (!end.is) {
      await Promise.race([over, delay(SERVER_LIFE_MS / 2 + dice.below(SERVER_LIFE_MS))]);
      await arena.sqld.restart();
      serverKills += 1;
    }
  }
  await Promise.all(lives);
  return serverKills;
}

async function untilEnough({ lastsMs, least }: SoakOptions, population: Population): Promise<void> {
  await delay(lastsMs);
  const givenUpAt = performance.now() + PATIENCE_MS;
  const { kills, freezes } = least ?? { kills: 0, freezes: 0 };
  while (population.kills < kills || population.freezes < freezes) {
    if (performance.now() >= givenUpAt) return;
    await delay(LOOK_MS);
  }
}

type Common = { journal: string; plant: PlantedAt | null; location: Arena['location'] };

function common({ location }: Arena, { plant }: SoakOptions, journal: Journal): Common {
  return { location, journal: journal.path, plant: plant ?? null };
}

function workerSlot(arena: Arena, options: SoakOptions, journal: Journal, kind: string, deck: Deck): Slot {
  const { machineId } = arena;
  const { leaseMs, moduleArgs = fromSources } = options;
  const task = () => ({ ...common(arena, options, journal), machineId, leaseMs });
  return { kind, program: 'worker.ts', moduleArgs, deck, task };
}

function producerSlot(arena: Arena, options: SoakOptions, journal: Journal, deck: Deck, last = false): Slot {
  let lives = 0;
  const task = () => ({
    ...common(arena, options, journal),
    projects: arena.projects.map(({ id, path }) => ({ id, path })),
    next: 1 + Math.max(0, ...journal.read().map((entry) => (entry.kind === 'saved' ? entry.change : 0))),
    seed: options.seed + 1_000 + lives++,
    pauseMs: options.pauseMs,
    last,
  });
  const { moduleArgs = fromSources } = options;
  return { kind: 'producer', program: 'producer.ts', moduleArgs, deck, task };
}

/** Last changes in each project, and time for two workers to do what is left. What stays undone is evidence. */
async function untilQuiet(
  arena: Arena,
  options: SoakOptions,
  journal: Journal,
  population: Population,
): Promise<void> {
  const deck = workerDeck(diceOf(0));
  const workers = [0, 1].map((at) => {
    const who = `worker-last-${at}`;
    return startProcess(workerSlot(arena, options, journal, who, deck), who, null, population);
  });
  await Promise.all(workers.map((worker) => Promise.race([worker.said('up'), worker.exited])));
  const producer = startProcess(
    producerSlot(arena, options, journal, deck, true),
    'producer-last',
    null,
    population,
  );
  await producer.exited;
  if (producer.exitCode() !== 0) throw new Error(`The last producer ended with ${producer.exitCode()}.`);
  const endsAt = performance.now() + (options.quietLimitMs ?? QUIET_LIMIT_MS);
  const busy = "SELECT count(*) AS busy FROM jobs WHERE state <> 'idle'";
  for (;;) {
    const [row] = await untilAnswered(() => arena.db.run(busy));
    if (row?.busy === 0 || performance.now() >= endsAt) break;
    await delay(LOOK_MS);
  }
  await Promise.all(workers.map((worker) => worker.stop()));
}

/** Hears all that the feed tells, from the first event on, while it happens. */
async function listen({ db }: Arena, limitMs: number): Promise<{ end(): Promise<number[]> }> {
  const heard: number[] = [];
  const bus = createEventBus({
    read: (after, limit) => readEvents(db, { after, limit }),
    bounds: () => eventBounds(db),
    append: (events) => appendEvents(db, events),
    pollMs: LOOK_MS,
    clock: systemClock,
    log: silentLog,
  });
  const faults: string[] = [];
  await bus.start();
  const subscription = bus.subscribe({
    since: 0,
    onEvents: (events) => void heard.push(...events.map(({ id }) => id)),
    onOverflow: () => void faults.push('overflow'),
    onReset: () => void faults.push('reset'),
  });
  return {
    async end() {
      // All has been written: what is stored now is what has to be heard.
      const { latest } = await untilAnswered(() => eventBounds(db));
      const endsAt = performance.now() + limitMs;
      while ((heard.at(-1) ?? 0) < latest && performance.now() < endsAt) await delay(LOOK_MS);
      subscription.close();
      await bus.stop();
      if (faults.length > 0) throw new Error(`The listener was dropped: ${faults}.`);
      return heard;
    },
  };
}
