// Whether hosts take the credentials that projects need. One that is missing is a fault only where a sync asked for it:
// whether a host takes pushes of anybody, nothing but a push finds out.

import { type Finding, fault, ok, warning } from './finding.ts';

type Told = { code: string; detail: string; action: string } | null;
type KnownCredential = {
  key: string;
  host: string;
  from: string | null;
  state: string;
  stateReason: Told;
  projectIds: readonly string[];
};
type NeedingProject = {
  projectId: string;
  state: string;
  stateReason: Told;
  remotes: readonly { stateReason: Told }[];
};

/** Nobody may push there without one. */
const PUBLIC_GITHUB = 'github.com';
const WITHOUT_FAULT: ReadonlySet<string> = new Set(['ok', 'ends-soon', 'unchecked']);
const ASKED: ReadonlySet<string> = new Set(['credential-missing', 'credential-rejected']);

export function checkCredentials(
  credentials: readonly KnownCredential[],
  projects: readonly NeedingProject[],
): Finding[] {
  return credentials.map((credential) => {
    const { key, from, state, stateReason } = credential;
    const about = ['credential', key] as const;
    if (stateReason === null) return ok(about, `${from ?? 'It'} has one (${state}).`);
    const passes = WITHOUT_FAULT.has(state) || (state === 'missing' && !isAskedFor(credential, projects));
    const tell = passes ? warning : fault;
    return tell(about, `${stateReason.detail} (${stateReason.code})`, stateReason.action);
  });
}

function isAskedFor({ host, projectIds }: KnownCredential, projects: readonly NeedingProject[]): boolean {
  const needing = projects.filter(({ projectId }) => projectIds.includes(projectId));
  if (host === PUBLIC_GITHUB && needing.some(({ state }) => state !== 'safe')) return true;
  const told = needing.flatMap(({ stateReason, remotes }) => [
    stateReason,
    ...remotes.map((one) => one.stateReason),
  ]);
  return told.some((reason) => reason !== null && ASKED.has(reason.code));
}
