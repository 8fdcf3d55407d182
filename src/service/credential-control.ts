// The credentials as the API shows them: which there are, who needs them, whether the hosts take them and until when.
// Never a secret.

import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import type { Account } from '../github/account.ts';
import type { Credentials, KnownCredential } from '../github/credentials.ts';
import type { GithubClient } from '../github/rest-client.ts';
import type { Clock } from '../host/clock.ts';
import { type CredentialWish, credentialKey, splitKey } from '../model/credential-key.ts';
import { Failure, type Reason, reasonOf } from '../model/failure.ts';
import type { CredentialState, CredentialStatus } from '../model/github.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { Service } from '../model/service.ts';

type Ports = {
  clock: Pick<Clock, 'now'>;
  credentials: Credentials;
  github: Pick<GithubClient, 'readAccount'>;
  hasApi(host: string): boolean;
  projects(): Promise<readonly Project[]>;
  /** The host that a project pushes to; null when it has no remote. */
  hostOf(project: Project): Promise<string | null>;
};

type Checked = { at: number; from: string; account: Account | null; failure: Failure | null };
type Needed = { wish: CredentialWish; projectIds: ProjectId[] };

/** A host is asked again after so long, unless a person wants to know it now. */
const CHECK_AGAIN_MS = 600_000;
const ENDS_SOON_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;

export function createCredentialControl(ports: Ports): Pick<Service, 'credentials'> {
  const checks = new Map<string, Checked>();
  return {
    async credentials({ refresh }) {
      const needed = await neededKeys(ports);
      const keys = [...new Set([...(await ports.credentials.keys()), ...needed.keys()])];
      const all: CredentialStatus[] = [];
      // One after the other, as the host asks for.
      for (const key of keys) all.push(await statusOf(key, needed.get(key), refresh, checks, ports));
      return all;
    },
  };
}

async function neededKeys(ports: Ports): Promise<Map<string, Needed>> {
  const needed = new Map<string, Needed>();
  for (const project of await ports.projects()) {
    if (!project.github.enabled) continue;
    for (const { host, wish } of [...(await wishOfPrimary(project, ports)), ...wishesOfMirrors(project)]) {
      const key = credentialKey(host, wish.credential);
      if (key === null) continue;
      const { projectIds, ...known } = needed.get(key) ?? { wish, projectIds: [] };
      needed.set(key, { ...known, projectIds: [...new Set([...projectIds, project.projectId])] });
    }
  }
  return needed;
}

type Wished = { host: string; wish: CredentialWish };

async function wishOfPrimary(project: Project, { hostOf }: Ports): Promise<Wished[]> {
  const { authentication: wish } = project.github;
  if (wish.type === 'none') return [];
  const host = await hostOf(project);
  return host === null ? [] : [{ host, wish }];
}

/** Only those that are named: whether a mirror takes pushes of anybody, only a push finds out. */
function wishesOfMirrors({ github }: Project): Wished[] {
  return (github.remotes ?? []).flatMap(({ url, credential }) => {
    const { host, kind } = parseRemoteUrl(url);
    if (credential === undefined || host === '') return [];
    return [{ host, wish: { credential, ...(kind === 'ssh' && { type: kind }) } }];
  });
}

async function statusOf(
  key: string,
  needed: Needed | undefined,
  refresh: boolean,
  checks: Map<string, Checked>,
  ports: Ports,
): Promise<CredentialStatus> {
  const { name, host } = splitKey(key);
  const wish: CredentialWish = { type: needed?.wish.type, ...(name !== null && { credential: name }) };
  const base = { key, name, host, projectIds: needed?.projectIds ?? [], ...UNKNOWN };
  let known: KnownCredential | null;
  try {
    known = await ports.credentials.describe(host, wish);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...base, state: 'unreadable', reason: error.reason };
  }
  if (known === null) {
    // By SSH none is needed, and asking for one would be a false alarm.
    if (needed?.wish.type === 'ssh') return { ...base, state: 'unchecked' };
    return {
      ...base,
      state: 'missing',
      reason: reasonOf('credential-missing', `Nobody has a token for ${key}.`),
    };
  }
  const { source, from } = known;
  const checked = ports.hasApi(host) ? await check(key, known, wish, refresh, checks, ports) : null;
  const account = checked?.account ?? null;
  // An app's tokens are renewed by themselves: when one ends is of no concern to anybody. Those of a login are so for
  // as long as that may be renewed.
  const told = known.isRenewed ? known.expiresAt : (account?.expiresAt ?? known.expiresAt);
  const expiresAt = source === 'app' ? null : told;
  return {
    ...{ ...base, source, from, expiresAt },
    ...{ login: account?.login ?? null, scopes: account?.scopes ?? null, checkedAt: checked?.at ?? null },
    ...judge(key, checked?.failure ?? null, expiresAt, checked !== null, ports.clock.now()),
  };
}

const UNKNOWN = {
  ...{ source: null, from: null, reason: null, login: null, scopes: null, expiresAt: null, checkedAt: null },
};

async function check(
  key: string,
  known: KnownCredential,
  wish: CredentialWish,
  refresh: boolean,
  checks: Map<string, Checked>,
  { github, clock }: Ports,
): Promise<Checked> {
  const { host } = splitKey(key);
  const from = `${known.source} ${known.from}`;
  const last = checks.get(key);
  const isFresh = last !== undefined && last.from === from && clock.now() - last.at < CHECK_AGAIN_MS;
  if (isFresh && !refresh && last.failure === null) return last;
  const checked: Checked = { at: clock.now(), from, account: null, failure: null };
  try {
    checked.account = await github.readAccount({ host, as: wish, isApp: known.source === 'app' });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    checked.failure = error;
  }
  checks.set(key, checked);
  return checked;
}

function judge(
  key: string,
  failure: Failure | null,
  expiresAt: number | null,
  wasAsked: boolean,
  now: number,
): { state: CredentialState; reason: Reason | null } {
  const hasEnded = expiresAt !== null && expiresAt <= now;
  if (hasEnded) {
    const detail = `The token for ${key} ended on ${new Date(expiresAt).toISOString().slice(0, 10)}.`;
    return { state: 'ended', reason: reasonOf('credential-rejected', detail) };
  }
  if (failure !== null && REJECTED.has(failure.code)) return { state: 'rejected', reason: failure.reason };
  if (failure !== null || !wasAsked) return { state: 'unchecked', reason: failure?.reason ?? null };
  if (expiresAt === null || expiresAt - now > ENDS_SOON_MS) return { state: 'ok', reason: null };
  const days = Math.max(1, Math.ceil((expiresAt - now) / DAY_MS));
  const detail = `The token for ${key} ends in ${days} ${days === 1 ? 'day' : 'days'}.`;
  return { state: 'ends-soon', reason: reasonOf('credential-rejected', detail) };
}

const REJECTED: ReadonlySet<string> = new Set([
  'credential-rejected',
  'credential-missing',
  'sso-required',
  'account-suspended',
  'push-forbidden',
]);
