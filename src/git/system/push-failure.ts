// What a failed `git push` means: from its words to a failure code, the same codes as the built-in engine's. Pure.
// To add a wording: a row here, specific before general, and one in its test.

import { Failure } from '../../model/failure.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import { classifyRejection } from '../remote/classify.ts';

type PushTrouble = {
  host: string;
  /** Words for people, without progress. */
  text: string;
  hasCredential: boolean;
  nowMs: number;
  /** What was tried; default a push. */
  what?: 'The push to' | 'The fetch from' | 'Asking';
};

/** Before a remote has answered: git's, curl's and ssh's own words. */
const CONNECTION: readonly (readonly [RegExp, FailureCode])[] = [
  [/Host key verification failed|No .{1,40} host key is known/i, 'ssh-host-unknown'],
  [
    /Could not resolve host|Temporary failure in name resolution|Name or service not known|Connection refused|Network is unreachable|No route to host|Failed to connect|Could not connect|Couldn't connect/i,
    'offline',
  ],
  [/timed out|timeout|Operation too slow/i, 'remote-timeout'],
  [/Permission denied \((?:publickey|password|keyboard)|Too many authentication failures/i, 'ssh-refused'],
  [
    /could not read (?:Username|Password)|terminal prompts disabled|unable to read askpass/i,
    'credential-missing',
  ],
  [/Authentication failed for/i, 'credential-rejected'],
  [/HTTP (?:error: )?429|returned error: 429/i, 'rate-limited'],
  [/returned error: 413|HTTP 413/i, 'push-too-large'],
  [/returned error: 403|HTTP 403/i, 'push-forbidden'],
  [/returned error: 5\d\d|HTTP 5\d\d/i, 'remote-error'],
  [
    /repository .{0,500}not found|does not appear to be a git repository|returned error: 404/i,
    'repository-not-found',
  ],
  [
    /hung up unexpectedly|unexpected disconnect|early EOF|Connection reset|Connection closed|Broken pipe|RPC failed/i,
    'remote-error',
  ],
];
/** The remote may have taken the push before the connection broke. */
const UNSURE: ReadonlySet<FailureCode> = new Set(['remote-error', 'remote-timeout']);

/** For a push that ended without a word on its branch. */
export function connectionFailure(trouble: PushTrouble): Failure {
  const { host, text, hasCredential, nowMs, what = 'The push to' } = trouble;
  const told = classifyRejection({ sideband: text, hasCredential, nowMs });
  const found = CONNECTION.find(([pattern]) => pattern.test(text))?.[1];
  const isPlain = told.code === 'push-rejected' || told.code === 'push-rejected-hook';
  const code = isPlain ? (found ?? hookOr(text)) : told.code;
  // Without one of ours git asked somebody else, who had none or a wrong one.
  const shown = code === 'credential-rejected' && !hasCredential ? 'credential-missing' : code;
  return new Failure(shown, `${what} ${host} failed: ${told.detail}`, {
    data: {
      host,
      ...(shown === 'offline' || shown === 'rate-limited' ? { gate: `host:${host}` } : {}),
      ...(UNSURE.has(shown) ? { outcomeUnknown: true } : {}),
    },
  });
}

/** git says `fatal:` when it fails itself; a pre-push hook just ends it. */
function hookOr(text: string): FailureCode {
  return /^fatal:/m.test(text) || !/failed to push some refs/.test(text) ? 'git-failed' : 'push-hook-refused';
}

/** For a branch that the remote refused by name. */
export function refusalFailure(reason: string, trouble: PushTrouble): Failure {
  const { host, text, hasCredential, nowMs } = trouble;
  const { code, detail } = classifyRejection({ reason, sideband: text, hasCredential, nowMs });
  return new Failure(code, `${host} refused the push: ${detail}`, { data: { host } });
}
