// HTTP to a git host: credentials bound to the host they are for, redirects, time limits, failures by name.
// Knows no packet, ref or pack. Built on `fetch`, with every redirect followed by hand, because fetch and
// isomorphic-git lose what is needed here: response headers of failures, the host a credential was meant for.

import type { Clock } from '../../host/clock.ts';
import { networkFailure } from '../../host/network-failure.ts';
import { Failure } from '../../model/failure.ts';
import { answerFailure } from './answer-failure.ts';
import { startIdleWatch } from './idle-watch.ts';
import { redirectTarget } from './redirect.ts';
import { displayUrl, isLoopback, parseRemoteUrl } from './remote-url.ts';
import { isSentOnce, type UploadBody, uploadOf, wholeOf } from './upload-body.ts';

type GitRequest = {
  method: 'GET' | 'POST';
  /** User name and password inside it are never used. */
  url: string;
  /** The remote's own address, where the request goes straight to where that one leads: its account counts there too. */
  movedFrom?: string;
  headers?: Readonly<Record<string, string>>;
  body?: UploadBody;
  signal: AbortSignal;
};

/** A 2xx answer. `body` must be read, to its end or until its loop is left. */
export type GitResponse = {
  /** Where the answer came from, after redirects. */
  url: string;
  status: number;
  headers: Headers;
  body: AsyncGenerator<Uint8Array>;
  /** Null when no redirect was followed. */
  redirectedTo: string | null;
  /** HTTP requests made, redirects included. */
  requests: number;
};

export type GitTransport = {
  readonly userAgent: string;
  /**
   * Sends one request; follows redirects of a GET (at most 5).
   * @throws Failure `offline`, `remote-timeout`, `remote-error`, `rate-limited`, `credential-missing`,
   * `credential-rejected`, `insecure-remote`, `redirect-refused`, `aborted`, or what classify.ts says of the answer
   */
  request(request: GitRequest): Promise<GitResponse>;
};

export type TransportInput = {
  clock: Clock;
  /**
   * The credential for exactly this `host[:port]`; null when there is none. `url` is what was asked for at first, also
   * after a redirect, and in the requests that follow one. `renew`, called after a 401, answers whether another one may be had now.
   */
  credentialFor(
    host: string,
    url: string,
  ): Promise<{ username: string; password: string; renew?(): Promise<boolean> } | null>;
  /** Resolves when the request may be sent; left out: at once. */
  admit?(request: { url: string; isUpload: boolean; signal: AbortSignal }): Promise<void>;
  userAgent: string;
  /** A request on which no byte moves for so long has failed. */
  idleTimeoutMs: number;
  /** Default: the runtime's own. */
  fetch?: typeof fetch;
};

const LONGEST_BODY_BYTES = 8 * 1024;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** `wantLength`: hosts that take no upload whose length they are not told before. */
type Input = TransportInput & { wantLength: Set<string> };

/** Answers to an upload without its length, of hosts and of what stands before them. */
const LENGTH_WANTED: ReadonlySet<number> = new Set([411, 501]);

type Hop = {
  response: Response;
  hasCredential: boolean;
  renew?: (() => Promise<boolean>) | undefined;
  watch: ReturnType<typeof startIdleWatch>;
};

/** Makes the transport that all remotes share. */
export function createTransport(given: TransportInput): GitTransport {
  const input = { ...given, wantLength: new Set<string>() };
  return {
    userAgent: input.userAgent,
    async request(request) {
      let url = displayUrl(request.url);
      for (let requests = 1; ; requests += 1) {
        const hop = await sendRenewed(input, request, url);
        const { status } = hop.response;
        if (!REDIRECTS.has(status)) {
          if (!hop.response.ok) throw await refusal(input, hop, url);
          refuseForeignPage(hop, url);
          const redirectedTo = requests === 1 ? null : url;
          return { ...opened(hop, url), url, redirectedTo, requests };
        }
        hop.watch.stop();
        await hop.response.body?.cancel();
        url = redirectTarget({ method: request.method, from: url, response: hop.response, requests });
      }
    },
  };
}

/** A token may have ended a moment ago: once, another one is tried; for a stream, by whoever makes it anew. */
async function sendRenewed(input: Input, request: GitRequest, url: string): Promise<Hop> {
  const hop = await sendMeasured(input, request, url);
  if (hop.response.status !== 401 || hop.renew === undefined || !(await hop.renew())) return hop;
  hop.watch.stop();
  await hop.response.body?.cancel();
  if (!isSentOnce(request.body)) return sendMeasured(input, request, url);
  const { host } = parseRemoteUrl(url);
  const detail = `${host} did not take the token any more; the next try has a new one.`;
  throw new Failure('remote-error', detail, { data: { host, status: 401 } });
}

/** A host that wants to know the length is told it, from then on at once. */
async function sendMeasured(input: Input, request: GitRequest, url: string): Promise<Hop> {
  const { body } = request;
  if (typeof body !== 'function') return sendOnce(input, request, url);
  const { host } = parseRemoteUrl(url);
  if (!input.wantLength.has(host)) {
    const hop = await sendOnce(input, request, url);
    if (!LENGTH_WANTED.has(hop.response.status)) return hop;
    input.wantLength.add(host);
    hop.watch.stop();
    await hop.response.body?.cancel();
  }
  return sendOnce(input, { ...request, body: await wholeOf(body) }, url);
}

async function sendOnce(input: TransportInput, request: GitRequest, url: string): Promise<Hop> {
  const { host } = parseRemoteUrl(url);
  await input.admit?.({ url, isUpload: /\/git-receive-pack$/.test(url), signal: request.signal });
  const credential = await input.credentialFor(host, request.movedFrom ?? request.url);
  if (credential) refuseInsecure(url);
  const headers = new Headers({ ...request.headers, 'user-agent': input.userAgent, pragma: 'no-cache' });
  if (credential) headers.set('authorization', basic(credential));
  const watch = startIdleWatch({
    clock: input.clock,
    timeoutMs: input.idleTimeoutMs,
    signal: request.signal,
    host,
  });
  let bodyFault: unknown = null;
  try {
    const response = await (input.fetch ?? fetch)(url, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: watch.signal,
      ...uploadOf(request.body, watch.touch, (error) => {
        bodyFault = error;
      }),
    });
    watch.touch();
    return { response, hasCredential: credential !== null, renew: credential?.renew, watch };
  } catch (error) {
    watch.stop();
    throw watch.failure() ?? bodyFault ?? networkFailure(error, host);
  }
}

const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;

function refuseInsecure(url: string): void {
  const { kind, host } = parseRemoteUrl(url);
  if (kind === 'https' || (kind === 'http' && isLoopback(host))) return;
  throw new Failure('insecure-remote', `A credential is set for ${host}, but ${url} is not https.`, {
    data: { host },
  });
}

/** A non-2xx answer as a failure that says what to do. */
async function refusal(input: TransportInput, hop: Hop, url: string): Promise<Failure> {
  return answerFailure({
    host: parseRemoteUrl(url).host,
    status: hop.response.status,
    headers: hop.response.headers,
    body: await headOfBody(hop, url),
    hasCredential: hop.hasCredential,
    nowMs: input.clock.now(),
  });
}

/** At most 8 KiB; what arrived before the connection broke still says more than the break. */
async function headOfBody(hop: Hop, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of opened(hop, url).body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= LONGEST_BODY_BYTES) break;
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'aborted') throw error;
  }
  return Buffer.concat(chunks).toString('utf8', 0, LONGEST_BODY_BYTES);
}

/** Git hosts answer pages only by mistake; networks with a login page answer them for every address. */
function refuseForeignPage(hop: Hop, url: string): void {
  const type = hop.response.headers.get('content-type') ?? '';
  if (!/^text\/html\b/i.test(type) && hop.response.status !== 203) return;
  const { host } = parseRemoteUrl(url);
  hop.watch.stop();
  throw new Failure(
    'offline',
    `${host} answers with a web page where git data belongs: a network login page?`,
    {
      data: { host, gate: `host:${host}`, status: hop.response.status },
    },
  );
}

function opened({ response, watch }: Hop, url: string) {
  const { host } = parseRemoteUrl(url);
  return { status: response.status, headers: response.headers, body: readBody(response, watch, host) };
}

async function* readBody(response: Response, watch: Hop['watch'], host: string): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      watch.touch();
      yield value;
    }
  } catch (error) {
    throw watch.failure() ?? networkFailure(error, host);
  } finally {
    watch.stop();
    // After an error the stream is broken already, and cancelling says so again.
    await reader?.cancel().catch(() => undefined);
  }
}
