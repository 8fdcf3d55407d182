// The part of a list's filters that every list of the past has: one project or all, from when and until when.

import { usePart } from './page-context.ts';

/** `since` and `until` as `<input type="datetime-local">` has them; empty: no limit. */
export type Scope = { projectId: string; since: string; until: string };

export function ScopeFields({ wish, change }: { wish: Scope; change: (part: Partial<Scope>) => void }) {
  const projects = usePart((state) => state.projects);
  return (
    <>
      <label>
        Project
        <select value={wish.projectId} onChange={(event) => change({ projectId: event.currentTarget.value })}>
          <option value="">any</option>
          {[...projects.values()].map(({ projectId, projectName }) => (
            <option key={projectId} value={projectId}>
              {projectName}
            </option>
          ))}
        </select>
      </label>
      {(['since', 'until'] as const).map((end) => (
        <label key={end}>
          {end === 'since' ? 'From' : 'To'}
          <input
            type="datetime-local"
            value={wish[end]}
            onChange={(event) => change({ [end]: event.currentTarget.value })}
          />
        </label>
      ))}
    </>
  );
}
