// Pure: what a project's state means for those who want to hear of it. Compares what is the matter now with what was
// the matter when it was looked at last, so that a thing is told once, however often it is looked at.

import type { Reason } from '../model/failure.ts';
import type { NoticeKind } from '../model/notice.ts';
import type { Condition, Judgement, NewNotice } from '../model/notice-judgement.ts';
import type { ProjectState } from '../model/project.ts';

export type ProjectLook = { state: ProjectState; reason: Reason | null; heldSecrets: readonly string[] };

const MOST_NAMED = 5;
const NO_JUDGEMENT: Judgement = { drop: [], set: [], recovered: null };
const LOSSES = ['needs-attention', 'conflict', 'unsafe'] as const;

/** `wanted`: the kinds that notices are given for; what is the matter is kept in mind either way. */
export function judgeProject(
  look: ProjectLook,
  known: readonly Condition[],
  now: number,
  wanted: readonly NoticeKind[],
): Judgement {
  const judged = [judgeState(look, known, now), judgeSecrets(look.heldSecrets, known, now)];
  const only = (notice: NewNotice | null) =>
    notice !== null && wanted.includes(notice.kind) ? notice : null;
  return {
    drop: judged.flatMap(({ drop }) => drop),
    set: judged.flatMap(({ set }) => set).map((each) => ({ ...each, notice: only(each.notice) })),
    recovered: only(judged.find(({ recovered }) => recovered !== null)?.recovered ?? null),
  };
}

function judgeState({ state, reason }: ProjectLook, known: readonly Condition[], now: number): Judgement {
  const open = known.filter(({ kind }) => kind !== 'secret-held');
  switch (state) {
    case 'safe':
      return { ...NO_JUDGEMENT, drop: kindsOf(open), recovered: recoveredFrom(open) };
    case 'disabled':
      return { ...NO_JUDGEMENT, drop: kindsOf(open) };
    case 'paused':
      // What its host made wait (an archived repository), a person has to hear of.
      if (reason !== null) return needsPerson('needs-attention', reason, open, now);
      // A person wanted it to wait; how long it was unsafe before does not count afterwards.
      return { ...NO_JUDGEMENT, drop: kindsOf(open.filter(({ kind }) => kind === 'unsafe')) };
    case 'conflict':
      return needsPerson('conflict', reason, open, now);
    case 'blocked':
    case 'missing':
      return needsPerson('needs-attention', reason, open, now);
    case 'pending':
    case 'syncing':
    case 'retrying':
    case 'offline':
    case 'rate-limited':
      // What needed a person does so until the project is safe: it is only being tried again.
      return { ...NO_JUDGEMENT, set: unsafeSince(open, now) };
    default:
      return state satisfies never;
  }
}

const kindsOf = (conditions: readonly Condition[]) => conditions.map(({ kind }) => kind);

function unsafeSince(open: readonly Condition[], now: number): Judgement['set'] {
  if (open.some(({ kind }) => kind === 'unsafe')) return [];
  return [{ kind: 'unsafe', code: null, since: now, paths: [], notice: null }];
}

function needsPerson(
  kind: 'needs-attention' | 'conflict',
  reason: Reason | null,
  open: readonly Condition[],
  now: number,
): Judgement {
  const code = reason?.code ?? null;
  const same = open.find((condition) => condition.kind === kind && condition.code === code);
  const others = open.filter((condition) => condition.kind !== kind && condition.kind !== 'unsafe');
  const unsafe = unsafeSince(open, now);
  if (same) return { ...NO_JUDGEMENT, drop: kindsOf(others), set: unsafe };
  const detail = reason?.detail ?? 'It cannot go on without a person.';
  const notice = { kind, code, detail, action: reason?.action ?? null, paths: [] };
  return {
    drop: kindsOf(others),
    set: [{ kind, code, since: now, paths: [], notice }, ...unsafe],
    recovered: null,
  };
}

/** Whoever was not told of a loss need not hear that it is over. */
function recoveredFrom(open: readonly Condition[]): NewNotice | null {
  if (!open.some(({ kind, told }) => told === 'released' && (LOSSES as readonly string[]).includes(kind)))
    return null;
  const detail = 'Everything is on the remote again.';
  return { kind: 'recovered', code: null, detail, action: null, paths: [] };
}

function judgeSecrets(held: readonly string[], known: readonly Condition[], now: number): Judgement {
  const before = known.find(({ kind }) => kind === 'secret-held');
  if (held.length === 0) return before ? { ...NO_JUDGEMENT, drop: ['secret-held'] } : NO_JUDGEMENT;
  const fresh = held.filter((path) => !before?.paths.includes(path));
  const isGone = before?.paths.some((path) => !held.includes(path)) ?? false;
  if (fresh.length === 0 && !isGone) return NO_JUDGEMENT;
  const paths = held.filter((path) => fresh.includes(path) || before?.gathering.includes(path));
  const notice = fresh.length === 0 ? null : secretNotice(paths);
  const since = before?.since ?? now;
  return { ...NO_JUDGEMENT, set: [{ kind: 'secret-held', code: null, since, paths: [...held], notice }] };
}

function secretNotice(paths: string[]): NewNotice {
  const named = paths.slice(0, MOST_NAMED).join(', ');
  const more = paths.length > MOST_NAMED ? ` and ${paths.length - MOST_NAMED} more` : '';
  return {
    kind: 'secret-held',
    code: 'file-held',
    detail: `Held back, because there seems to be a secret in it: ${named}${more}.`,
    action: 'Keep it out of git (.gitignore), or release it if it is none. Everything else goes on.',
    paths,
  };
}
