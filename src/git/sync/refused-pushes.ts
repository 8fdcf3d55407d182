// Pushes that the primary's own rules forbid (a protected branch, a ruleset): where it is wished, the work goes to a
// branch beside, so that it is on the remote until a person has brought it in; otherwise the person is asked.

import { Failure } from '../../model/failure.ts';
import type { BranchAside } from '../../model/remote-state.ts';
import { remoteTips } from '../fetch/remote-tips.ts';
import { isAncestor } from '../remote/history.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import { pushAside } from './push-aside.ts';
import type { RefusedPushes } from './push-branches.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** A history that does not decide within so many commits is left for the merge to judge. */
const MOST_WALKED = 10_000;
/** Refusals that concern the branch and not what is pushed. */
const BY_RULE: ReadonlySet<string> = new Set(['push-rejected-protected-branch', 'push-rejected-ruleset']);
const CHOICES =
  'Set github.onRejected to "side-branch" and open a pull request from there, allow pushes to this branch on the host, or sync another branch.';

export function refusedPushes(work: SyncWork, remote: ChosenRemote, ports: SyncPorts): RefusedPushes {
  const { github, facts, signal } = work;
  const state = facts.remotes.find(({ primary }) => primary);
  const keep = (asides: BranchAside[]) => {
    if (state !== undefined) state.asides = asides;
  };
  const others = (branch: string) => (state?.asides ?? []).filter((aside) => aside.branch !== branch);
  return {
    isAside: (branch, tip) =>
      (state?.asides ?? []).some((aside) => aside.branch === branch && facts.remoteTips[aside.head] === tip),
    async foresee(branch, tip, ask) {
      if (!/^https?:/.test(remote.url)) return;
      const why = await ports.whyRefused?.({ url: remote.url, branch, github, signal });
      if (!why || (ask && (await isThere(work, remote, { branch, tip }, ports)))) return;
      throw new Failure('push-rejected-protected-branch', `${why}.`, {
        data: { host: remote.host },
        action: CHOICES,
      });
    },
    async putAside(branch, tip, failure) {
      if (github.onRejected !== 'side-branch' || !BY_RULE.has(failure.code)) return false;
      const head = await pushAside(work, remote, { branch, tip });
      keep([...others(branch), { branch, head, why: failure.message.replace(/\.$/, '') }]);
      return true;
    },
    forget(branch) {
      if (others(branch).length !== (state?.asides ?? []).length) keep(others(branch));
    },
  };
}

/** What others brought there comes in first, also where nothing may be pushed. @throws Failure `remote-ahead` */
async function isThere(
  { objects, signal }: SyncWork,
  { url, host }: ChosenRemote,
  { branch, tip }: { branch: string; tip: string },
  { transport }: SyncPorts,
): Promise<boolean> {
  const ref = `refs/heads/${branch}`;
  const there = (await remoteTips({ transport, url, prefixes: [ref], signal })).get(ref);
  if (there === undefined || there === tip) return there === tip;
  const known = await objects.has(there);
  if (known && (await isAncestor(objects, there, tip, MOST_WALKED)) === 'yes') return false;
  const detail = `${branch} on ${host} is at ${there.slice(0, 10)}, which is not in the branch here.`;
  throw new Failure('remote-ahead', detail, { data: { host, remoteTip: there, known } });
}
