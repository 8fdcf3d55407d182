// A push whose request is begun while its commit is still being made: by the time the pack is there, the connection
// stands and the host's programs run. Until the branch has the commit, nothing goes out but what the remote itself is
// known to have.

import { Failure } from '../../model/failure.ts';
import { ASSUMED_CAPABILITIES, beginOfCommand, pushRequest } from './push-command.ts';
import type { GitResponse, GitTransport } from './transport.ts';

type PushPlace = {
  url: string;
  /** Without `refs/heads/`. */
  branch: string;
  /** The commit that the remote's branch is known to be at. */
  from: string;
};

type OpenInput = PushPlace & {
  transport: GitTransport;
  signal: AbortSignal;
  /** Resolves with whether the remote is expected to take it. Until then, and where not, only `send` sends. */
  isExpected: Promise<boolean>;
};

export type OpenedPush = Readonly<PushPlace> & {
  /** Keeps the whole upload for a commit, command first; null: there is none. Sends nothing. */
  prepare(upload: { tip: string; bytes: Uint8Array } | null): void;
  /** What was prepared for this commit; null when nothing was. */
  preparedFor(tip: string): Uint8Array | null;
  /** The branch has the commit that was prepared: it goes out now, unless something speaks against it. */
  branchMoved(): void;
  /**
   * Whether `send` may be called with this: nothing else is out, and the request did not die while nothing was (one that
   * is made now may come through).
   */
  takes(bytes: Uint8Array): boolean;
  /**
   * Sends the upload, if it is not out yet, and answers as the transport does. Once.
   * @throws Failure as the transport does
   */
  send(bytes: Uint8Array): Promise<GitResponse>;
  /** Gives the request up, unless `send` was called. Idempotent. */
  cancel(): void;
};

/** Begins the request at once. What becomes of it is told by `send`. */
export function openPush({ transport, isExpected, ...input }: OpenInput): OpenedPush {
  const { url, branch, from } = input;
  const begin = beginOfCommand({ branch, from }, [...ASSUMED_CAPABILITIES]);
  const rest = later<Uint8Array>();
  const givenUp = new AbortController();
  async function* upload(): AsyncGenerator<Uint8Array> {
    yield begin;
    yield await rest.promise;
  }
  const signal = AbortSignal.any([input.signal, givenUp.signal]);
  const response = transport.request({ ...pushRequest(url), body: upload, signal });
  // Whoever sends hears of a failure; whoever gives it up does not care.
  rest.promise.catch(() => undefined);
  let mayGo = false;
  isExpected.then(
    (answer) => {
      mayGo = answer;
    },
    () => undefined,
  );
  let prepared: { tip: string; bytes: Uint8Array } | null = null;
  let out: Uint8Array | null = null;
  let isDone = false;
  let diedEarly = false;
  response.catch((error: unknown) => {
    diedEarly = out === null && !input.signal.aborted && !isRefusal(error);
  });
  const takes = (bytes: Uint8Array) => {
    const isFree = out === null ? !diedEarly : out === bytes;
    return !isDone && isFree && begin.equals(bytes.subarray(0, begin.length));
  };
  const give = (bytes: Uint8Array) => {
    if (!takes(bytes)) throw new Error(`What was opened for ${branch} cannot take this upload.`);
    out = bytes;
    rest.resolve(bytes.subarray(begin.length));
  };
  return {
    ...{ url, branch, from },
    prepare(made) {
      prepared = made;
    },
    preparedFor: (tip) => (prepared?.tip === tip ? prepared.bytes : null),
    branchMoved() {
      if (mayGo && prepared !== null && takes(prepared.bytes)) give(prepared.bytes);
    },
    takes,
    send(bytes) {
      give(bytes);
      isDone = true;
      return response;
    },
    cancel() {
      if (isDone) return;
      isDone = true;
      const failure = new Failure('aborted', `The push of ${branch} was begun in vain.`);
      rest.reject(failure);
      givenUp.abort(failure);
    },
  };
}

/** The host has said no: asked again it says the same. */
function isRefusal(error: unknown): boolean {
  return error instanceof Failure && typeof error.data.status === 'number';
}

function later<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: Failure) => void = () => {};
  const promise = new Promise<T>((take, refuse) => {
    resolve = take;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
