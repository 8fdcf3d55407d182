// A push whose request is begun while its commit is still being made: by the time the pack is there, the connection
// stands and the host's programs run. Before that nothing goes out but what the remote itself is known to have.

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

export type OpenedPush = Readonly<PushPlace> & {
  /**
   * The whole upload, command first: once, and only for a commit that is in force here.
   * @throws Failure as the transport does
   */
  send(upload: Uint8Array): Promise<GitResponse>;
  /** Gives the request up, unless it was sent; the remote has then heard no command. Idempotent. */
  cancel(): void;
};

/** Begins the request at once. What becomes of it is told by `send`. */
export function openPush(input: PushPlace & { transport: GitTransport; signal: AbortSignal }): OpenedPush {
  const { transport, url, branch, from } = input;
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
  for (const promise of [rest.promise, response]) promise.catch(() => undefined);
  let isDone = false;
  return {
    ...{ url, branch, from },
    send(whole) {
      if (isDone || !begin.equals(whole.subarray(0, begin.length)))
        throw new Error(`What was opened for ${branch} cannot take this upload.`);
      isDone = true;
      rest.resolve(whole.subarray(begin.length));
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

function later<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: Failure) => void = () => {};
  const promise = new Promise<T>((take, refuse) => {
    resolve = take;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
