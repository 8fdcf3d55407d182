// What the host tells of a branch's rules, read before a push and remembered for a while: a push that would be refused
// is not tried. Whatever cannot be read is found out by pushing.

import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import type { GithubClient } from '../github/rest-client.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';

type Ports = {
  github: Pick<GithubClient, 'lookUpRepository' | 'readBranchRules'>;
  hasApi(host: string): boolean;
  clock: Pick<Clock, 'monotonic'>;
  log: Pick<Log, 'debug'>;
};

type WhyRefused = NonNullable<SyncPorts['whyRefused']>;
type Remembered = { at: number; answer: Promise<string | null> };

/** Older answers are still used while they are read anew. */
const FRESH_MS = 600_000;
const MOST_REMEMBERED = 5_000;

export function createBranchRules(ports: Ports): WhyRefused {
  const remembered = new Map<string, Remembered>();
  return async (push) => {
    const { host } = parseRemoteUrl(push.url);
    const { type, credential } = push.github.authentication;
    // Without an account nothing is told that a push would not tell.
    if (!ports.hasApi(host) || type === 'none' || type === 'ssh') return null;
    const key = JSON.stringify([push.url, push.branch, credential ?? null]);
    const known = remembered.get(key);
    const now = ports.clock.monotonic();
    if (known !== undefined && now - known.at < FRESH_MS) return known.answer;
    const answer = read(push, ports);
    remembered.delete(key);
    remembered.set(key, { at: now, answer });
    // A refusal is asked for anew each time: whoever lifts a rule must not wait for it.
    const forget = () => void (remembered.get(key)?.answer === answer && remembered.delete(key));
    answer.then((refused) => refused !== null && forget(), forget);
    const [oldest] = remembered.keys();
    if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return known === undefined ? answer : known.answer;
  };
}

async function read(push: Parameters<WhyRefused>[0], { github, log }: Ports): Promise<string | null> {
  const { url, branch, signal } = push;
  const { host, path } = parseRemoteUrl(url);
  const [owner = '', name = '', ...rest] = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/');
  if (owner === '' || name === '' || rest.length > 0) return null;
  const ref = { host, owner, name, as: push.github.authentication, signal };
  try {
    const asked = await github.lookUpRepository(ref);
    const now = asked.kind === 'renamed' ? { ...ref, ...named(asked.fullName) } : ref;
    const found = asked.kind === 'renamed' ? await github.lookUpRepository(now) : asked;
    if (found.kind !== 'found' || !found.canPush) return null;
    const rules = await github.readBranchRules({ ...now, branch, isAdmin: found.isAdmin });
    return rules.kind === 'refused' ? `On ${host}, ${rules.why}` : null;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.debug({ url, branch, code: error.code }, 'the rules of a branch were not read');
    return null;
  }
}

/** Git may still answer by the old name; the rules are at the new one. */
function named(fullName: string): { owner: string; name: string } {
  const [owner = '', name = ''] = fullName.split('/');
  return { owner, name };
}
