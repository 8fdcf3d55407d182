// What a migration is. The list of them is in list.ts.

/** Runs as one transaction. Versions grow by one. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
};
