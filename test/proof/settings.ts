// How long a proof runs and which choices it makes: printed by every proof, so that a run can be made again.

import { type Dice, diceOf } from '../support/journey.ts';

/** `GITFERRY_LONG=1` runs the long form of a proof. */
export const IS_LONG = process.env.GITFERRY_LONG === '1';

/** `GITFERRY_ROUNDS`, else the proof's own number for its short or long form. */
export function roundsOf({ short, long }: { short: number; long: number }): number {
  return Number(process.env.GITFERRY_ROUNDS ?? (IS_LONG ? long : short));
}

/** `GITFERRY_SEED`, else a new one; printed. */
export function seedOf(proof: string): number {
  const seed = Number(process.env.GITFERRY_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${proof}: GITFERRY_SEED=${seed}`);
  return seed;
}

export const diceFor = (proof: string): Dice => diceOf(seedOf(proof));
