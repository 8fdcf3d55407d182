// Pure: the notice of a project that has been unsafe for too long.

import type { Reason } from '../model/failure.ts';
import type { Judgement } from '../model/notice-judgement.ts';
import type { ProjectState } from '../model/project.ts';

/** `since` is epoch milliseconds. */
export function unsafeJudgement(
  { state, stateReason }: { state: ProjectState; stateReason: Reason | null },
  since: number,
): Judgement {
  const why = stateReason === null ? '' : ` ${stateReason.detail}`;
  const detail = `Since ${new Date(since).toISOString()} not everything is on the remote; it is ${state}.${why}`;
  const code = stateReason?.code ?? null;
  const notice = { kind: 'unsafe', code, detail, action: stateReason?.action ?? null, paths: [] } as const;
  return {
    drop: [],
    set: [{ kind: 'unsafe', code, since, paths: [], notice: { ...notice, paths: [] } }],
    recovered: null,
  };
}
