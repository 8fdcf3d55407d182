// What happens to the processes of a soak, and in which order: all of it follows from the seed. Pure.

import { MOMENTS, type Sentence, STEP_POINTS, WORKER_POINTS } from './fault-points.ts';

/** Struck at a fault point; or by the supervisor after a while, wherever it is then. */
export type Fate =
  | { how: 'point'; sentence: Sentence }
  | { how: 'time'; act: 'kill' | 'freeze'; afterMs: number };

type Dice = { below(limit: number): number };

/** Deals the fates of one kind of process, one after the other, without end. */
export type Deck = { next(): Fate };

/** What every look at the queue passes is met often; the rest of a sync comes a few times in a life. */
const OFTEN: ReadonlySet<string> = new Set([
  'heartbeat',
  'seen',
  'reopen-gates',
  'reclaim-expired',
  'promote',
  'claim',
  'next-wake',
]);
const MOST_OFTEN = 30;
const MOST_SELDOM = 3;
const ONCE: ReadonlySet<string> = new Set(['register-worker', 'reclaim-dead']);
const LONGEST_LIFE_MS = 1_500;

/** Every fault point comes once before any comes again; between them lives end at any time. */
export function workerDeck(dice: Dice): Deck {
  const statements = WORKER_POINTS.flatMap((point) =>
    MOMENTS.map((moment): Sentence => ({ act: 'kill', point, moment, nth: 1 })),
  );
  const steps = STEP_POINTS.map((point): Sentence => ({ act: 'kill', point, moment: 'at', nth: 1 }));
  // A process that stands still inside a transaction would only hold up everybody else.
  const frozen = ['finish', 'heartbeat', 'save-facts'].flatMap((point) =>
    (['before', 'after'] as const).map((moment): Sentence => ({ act: 'freeze', point, moment, nth: 1 })),
  );
  const still = STEP_POINTS.map((point): Sentence => ({ act: 'freeze', point, moment: 'at', nth: 1 }));
  return endless(dice, [...statements, ...steps, ...frozen, ...still]);
}

export function producerDeck(dice: Dice): Deck {
  const sentences = MOMENTS.map((moment): Sentence => ({ act: 'kill', point: 'enqueue', moment, nth: 1 }));
  return endless(dice, sentences);
}

/** The same fate again and again, for a soak that looks for one thing. */
export function onlyFates(fates: readonly Fate[]): Deck {
  let at = 0;
  return { next: () => fates[at++ % fates.length] as Fate };
}

function endless(dice: Dice, sentences: readonly Sentence[]): Deck {
  let left: Sentence[] = [];
  return {
    next() {
      switch (dice.below(5)) {
        case 0:
          return { how: 'time', act: 'kill', afterMs: dice.below(LONGEST_LIFE_MS) };
        case 1: {
          const moment = MOMENTS[dice.below(MOMENTS.length)] ?? 'before';
          const sentence = { act: 'kill', point: 'any', moment, nth: 1 + dice.below(150) } as const;
          return { how: 'point', sentence };
        }
        default: {
          if (left.length === 0) left = shuffled(dice, sentences);
          const sentence = left.pop() as Sentence;
          return { how: 'point', sentence: { ...sentence, nth: nthOf(dice, sentence.point) } };
        }
      }
    },
  };
}

function nthOf(dice: Dice, point: string): number {
  if (ONCE.has(point)) return 1;
  return 1 + dice.below(OFTEN.has(point) ? MOST_OFTEN : MOST_SELDOM);
}

function shuffled<T>(dice: Dice, items: readonly T[]): T[] {
  const open = [...items];
  const out: T[] = [];
  while (open.length > 0) out.push(...open.splice(dice.below(open.length), 1));
  return out;
}
