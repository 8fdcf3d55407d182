// Whether a push to a branch would be refused, as far as the host tells this token: rulesets first, then the older
// branch protection. What nobody tells is `unknown`, and is found out by pushing.

import { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { AskGithub } from './api.ts';
import { asked, type RepositoryRef, repositoryPath } from './repository-path.ts';

export type BranchRules =
  | { kind: 'open' | 'unknown' }
  /** `why` in words, for example `main takes changes by pull request only (ruleset "main")`. */
  | { kind: 'refused'; why: string };

const RulesSchema = z.array(
  z.object({
    type: z.string(),
    ruleset_id: z.int().optional(),
    ruleset_source: z.string().optional(),
    ruleset_source_type: z.string().optional(),
  }),
);
const RulesetSchema = z.object({
  name: z.string().default(''),
  current_user_can_bypass: z.string().optional(),
});
const BranchSchema = z.object({ protected: z.boolean().default(false) });
const ProtectionSchema = z.object({
  required_pull_request_reviews: z.unknown().optional(),
  enforce_admins: z.object({ enabled: z.boolean() }).optional(),
  lock_branch: z.object({ enabled: z.boolean() }).optional(),
});

/** Rules by which the host refuses every direct push, and how that is said. */
const REFUSING: Readonly<Record<string, string>> = {
  pull_request: 'takes changes by pull request only',
  update: 'takes no pushes',
  required_status_checks: 'takes only commits that passed its checks',
  merge_queue: 'takes changes by its merge queue only',
  required_deployments: 'takes only commits that were deployed',
};

/** @throws Failure as every request; what the token may not read is `unknown` */
export async function readBranchRules(
  ask: AskGithub,
  ref: RepositoryRef & { branch: string; isAdmin: boolean },
): Promise<BranchRules> {
  const bySet = await byRulesets(ask, ref);
  return bySet.kind === 'refused' ? bySet : byProtection(ask, ref);
}

type Question = RepositoryRef & { branch: string; isAdmin: boolean };

async function byRulesets(ask: AskGithub, ref: Question): Promise<BranchRules> {
  const data = await read(ask, ref, `/rules/branches/${encodeURIComponent(ref.branch)}`);
  const rules = RulesSchema.safeParse(data);
  if (!rules.success) return { kind: 'unknown' };
  for (const { type, ruleset_id: id } of rules.data) {
    const words = REFUSING[type];
    if (words === undefined) continue;
    const set = RulesetSchema.safeParse(id === undefined ? {} : await read(ask, ref, `/rulesets/${id}`));
    const known = set.success ? set.data : { name: '', current_user_can_bypass: undefined };
    // Whoever may bypass it pushes as if it were not there; where that is not told, a push finds it out.
    const bypass = known.current_user_can_bypass;
    if (bypass === undefined || bypass === 'always' || bypass === 'exempt') continue;
    const named = known.name === '' ? '' : ` (ruleset "${known.name}")`;
    return { kind: 'refused', why: `${ref.branch} ${words}${named}` };
  }
  return { kind: 'open' };
}

async function byProtection(ask: AskGithub, ref: Question): Promise<BranchRules> {
  const branch = `/branches/${encodeURIComponent(ref.branch)}`;
  const found = BranchSchema.safeParse(await read(ask, ref, branch));
  if (!found.success) return { kind: 'unknown' };
  if (!found.data.protected) return { kind: 'open' };
  const protection = ProtectionSchema.safeParse(await read(ask, ref, `${branch}/protection`));
  // Only admins are told more.
  if (!protection.success) return { kind: 'unknown' };
  const {
    required_pull_request_reviews: reviews,
    enforce_admins: admins,
    lock_branch: lock,
  } = protection.data;
  if (lock?.enabled) return { kind: 'refused', why: `${ref.branch} is locked (branch protection)` };
  if (!reviews) return { kind: 'unknown' };
  if (ref.isAdmin && admins?.enabled !== true) return { kind: 'open' };
  return { kind: 'refused', why: `${ref.branch} takes changes by pull request only (branch protection)` };
}

/** Undefined for what this token may not read, or what this host does not have. */
async function read(ask: AskGithub, ref: Question, below: string): Promise<unknown> {
  try {
    const answer = await ask({ ...asked(ref), method: 'GET', path: `${repositoryPath(ref)}${below}` });
    return answer === null || answer.status === 404 ? undefined : answer.data;
  } catch (error) {
    if (error instanceof Failure && error.code === 'push-forbidden') return undefined;
    throw error;
  }
}
