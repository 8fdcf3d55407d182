// Looks at projects as they are stored, and keeps what is the matter with each: what was told, and what is to be told.

import type { Clock } from '../host/clock.ts';
import type { ProjectId } from '../model/ids.ts';
import type { NoticeKind } from '../model/notice.ts';
import type { Database } from '../store/database.ts';
import { applyJudgement, forgetProjects, listUntoldUnsafe, readConditions } from '../store/notices.ts';
import { findProjectViews, listProjectViews, type ProjectView, type Unsure } from '../store/project-views.ts';
import { judgeProject } from './judge-project.ts';
import { unsafeJudgement } from './unsafe-notice.ts';

export type LookPorts = {
  db: Database;
  clock: Clock;
  machineId: string;
  unsure: Unsure;
  settings(): { noticeKinds: NoticeKind[]; noticeUnsafeMinutes: number };
};

const PAGE = 500;
/** What was unsafe while nothing ran gets this long to become safe after a start. */
const START_GRACE_MS = 120_000;

export async function lookAtProjects(asked: ReadonlySet<ProjectId> | 'all', ports: LookPorts): Promise<void> {
  const { db, machineId, unsure } = ports;
  if (asked !== 'all') return judge(await findProjectViews(db, [...asked], { unsure }), ports);
  await forgetProjects(db, machineId);
  let cursor: string | null = null;
  do {
    const page = await listProjectViews(db, { limit: PAGE, cursor, unsure });
    await judge(page.projects, ports);
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** Another machine's projects are that machine's to tell of. */
async function judge(views: readonly ProjectView[], ports: LookPorts): Promise<void> {
  const { db, clock, machineId, settings } = ports;
  const own = views.filter((view) => view.machineId === machineId);
  const ids = own.map(({ projectId }) => projectId);
  const known = await readConditions(db, machineId, ids);
  const { noticeKinds } = settings();
  for (const { projectId, projectName, state, stateReason, facts } of own) {
    const heldSecrets = facts.heldFiles.filter(({ reason }) => reason === 'secret').map(({ path }) => path);
    const at = clock.now();
    const look = { state, reason: stateReason, heldSecrets };
    const judgement = judgeProject(look, known.get(projectId) ?? [], at, noticeKinds);
    await applyJudgement(db, { machineId, projectId, projectName, at }, judgement);
  }
}

/** Answers when the next project will have been unsafe for too long. `startedAt`: since when the service runs. */
export async function tellUnsafe(startedAt: number, ports: LookPorts): Promise<number | null> {
  const { db, clock, machineId, settings, unsure } = ports;
  const { noticeUnsafeMinutes, noticeKinds } = settings();
  if (noticeUnsafeMinutes === 0 || !noticeKinds.includes('unsafe')) return null;
  const limitMs = noticeUnsafeMinutes * 60_000;
  const graceMs = Math.min(limitMs, START_GRACE_MS);
  const now = clock.now();
  // Who was called already need not hear that it is still so.
  const untold = (await listUntoldUnsafe(db, machineId)).filter(({ isCalledFor }) => !isCalledFor);
  const dueOf = ({ since }: { since: number }) => Math.max(since + limitMs, startedAt + graceMs);
  const due = untold.filter((each) => dueOf(each) <= now);
  const since = new Map(due.map((each) => [each.projectId, each.since]));
  for (const view of await findProjectViews(db, [...since.keys()], { unsure })) {
    const judgement = unsafeJudgement(view, since.get(view.projectId) ?? now);
    const { projectId, projectName } = view;
    await applyJudgement(db, { machineId, projectId, projectName, at: now }, judgement);
  }
  const next = untold.find((each) => dueOf(each) > now);
  return next === undefined ? null : dueOf(next);
}
