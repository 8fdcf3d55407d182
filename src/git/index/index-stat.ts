// Stat data of files as the index keeps it: 32 bits of every number. Pure.

import type { FileStat } from '../types.ts';

const BILLION = 1_000_000_000n;

/** Stat data as stored: each a number below 2^32, the file system's value modulo 2^32. */
export type IndexStat = {
  ctimeS: number;
  ctimeNs: number;
  mtimeS: number;
  mtimeNs: number;
  dev: number;
  ino: number;
  uid: number;
  gid: number;
};

/** Stat data as the index stores it. */
export function indexStat(file: FileStat): IndexStat {
  return {
    ctimeS: wholeSeconds(file.ctimeNs),
    ctimeNs: Number(nanoseconds(file.ctimeNs)),
    mtimeS: wholeSeconds(file.mtimeNs),
    mtimeNs: Number(nanoseconds(file.mtimeNs)),
    dev: uint32(file.dev),
    ino: uint32(file.ino),
    uid: uint32(file.uid),
    gid: uint32(file.gid),
  };
}

/** The index keeps 32 bits of every number. */
export function uint32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

function wholeSeconds(timeNs: bigint): number {
  return uint32((timeNs - nanoseconds(timeNs)) / BILLION);
}

/** Never negative, also before 1970. */
function nanoseconds(timeNs: bigint): bigint {
  return ((timeNs % BILLION) + BILLION) % BILLION;
}
