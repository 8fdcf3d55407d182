// Who changed what, when and from where.

import { useState } from 'preact/hooks';
import { instantOf, instantText } from './format.ts';
import { Pager } from './pager.tsx';
import { projectLink } from './route.ts';
import { type Scope, ScopeFields } from './scope-fields.tsx';
import { usePages } from './use-pages.ts';
import type { AuditEntry, AuditPage } from './wire.ts';

const PAGE = 50;

type Wish = Scope & { actor: string };
const ALL: Wish = { actor: '', projectId: '', since: '', until: '' };

export function AuditView() {
  const [wish, setWish] = useState(ALL);
  const { value, error, newer, older } = usePages<AuditPage>(
    (api, cursor) =>
      api.get('/api/sync/audit', {
        ...{ limit: PAGE, cursor, actor: wish.actor.trim(), projectId: wish.projectId },
        ...{ since: instantOf(wish.since), until: instantOf(wish.until) },
      }),
    [wish],
  );
  return (
    <>
      <h1>Audit</h1>
      <p class="hint">
        Who changed what through this page, the command line and the API. Names of values are kept, never the
        values.
      </p>
      <Filters wish={wish} change={(part) => setWish({ ...wish, ...part })} />
      {error !== null && (
        <p class="fault">
          {error.message} {error.action}
        </p>
      )}
      {value !== null && value.entries.length === 0 && <p class="empty">Nothing was changed that fits.</p>}
      {value !== null && value.entries.length > 0 && <Entries entries={value.entries} />}
      <Pager newer={newer} older={older} />
    </>
  );
}

function Filters({ wish, change }: { wish: Wish; change: (part: Partial<Wish>) => void }) {
  return (
    <div class="filters">
      <label>
        Who
        <input
          placeholder="local, admin, a name"
          spellcheck={false}
          value={wish.actor}
          onChange={(event) => change({ actor: event.currentTarget.value })}
        />
      </label>
      <ScopeFields wish={wish} change={change} />
    </div>
  );
}

function Entries({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, and keys have to reach it
    <section class="table-wrap" tabIndex={0} aria-label="Changes">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Of</th>
            <th scope="col">Answer</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <EntryRow key={entry.auditId} entry={entry} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function EntryRow({ entry }: { entry: AuditEntry }) {
  const { at, actor, method, route, keys, projectId, subject, status, code, from, machineId } = entry;
  return (
    <tr>
      <td>
        <time dateTime={at}>{instantText(at)}</time>
      </td>
      <td>
        {actor.name}
        <small>{actor.role}</small>
      </td>
      <td>
        <code>
          {method} {route.replace('/api/sync/', '')}
        </code>
        {keys.length > 0 && <small>with {keys.join(', ')}</small>}
      </td>
      <td>
        {projectId !== null && <a href={projectLink(projectId)}>{projectId}</a>}
        {subject !== null && <small>{subject}</small>}
      </td>
      <td>
        <span class={`badge ${status < 400 ? 'good' : 'bad'}`}>{status}</span>
        {code !== null && <small>{code}</small>}
      </td>
      <td>
        {from.forwardedFor ?? from.address ?? 'this process'}
        <small>on {machineId}</small>
      </td>
    </tr>
  );
}
