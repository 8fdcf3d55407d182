// The object store of a partial clone: what was left out when it was cloned is fetched by git when it is asked for.

import { Failure } from '../../model/failure.ts';
import type { ObjectStore } from '../types.ts';
import type { RunGit } from './run-git.ts';

export function withPromised(objects: ObjectStore, git: RunGit): ObjectStore {
  const orFetched = async <T>(oid: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'object-missing') throw error;
      const { code } = await git(['cat-file', '-e', oid], { changes: true });
      if (code !== 0) throw error;
      return read();
    }
  };
  return {
    ...objects,
    read: (oid) => orFetched(oid, () => objects.read(oid)),
    open: (oid) => orFetched(oid, () => objects.open(oid)),
    readCommit: (oid) => orFetched(oid, () => objects.readCommit(oid)),
    readTree: (oid) => orFetched(oid, () => objects.readTree(oid)),
  };
}
