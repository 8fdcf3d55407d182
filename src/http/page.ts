// The page at `/`: whether everything is safe, and what to do where it is not. Rendered here, refreshed by itself.

import { html } from 'hono/html';
import { NEEDS_ATTENTION } from '../model/project.ts';
import type { Service } from '../model/service.ts';
import type { Database } from '../store/database.ts';
import { countProjectStates, listProjectViews } from '../store/project-views.ts';
import { type AccessOptions, isAuthorized } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { answerPage, STYLE } from './page-frame.ts';
import type { WireProject } from './schemas/project.ts';
import { wireProject } from './wire-project.ts';

const REFRESH_S = 5;
const MOST_ROWS = 500;

type PageDeps = {
  db: Database;
  service: Pick<Service, 'machineId' | 'scheduler' | 'unsure' | 'unsureProjects'>;
  access: () => AccessOptions;
};

export function addPageRoutes(app: ApiApp, { db, service, access }: PageDeps): void {
  app.get('/', async (c) => {
    if (!isAuthorized(c, access())) {
      const text = html`<p class="summary">This service shows its projects to callers with a token only.</p>`;
      return answerPage(c, 401, 'Projects', text);
    }
    const outage = db.outage?.() ?? null;
    if (outage !== null) {
      const away = html`<p class="summary bad">${outage.reason.detail} Nothing is pushed meanwhile.</p>
        <p>Changes on this machine are committed here; ${service.scheduler().owed.length} project(s) wait for the queue. ${outage.reason.action}</p>`;
      return answerPage(c, 503, 'Projects', away, REFRESH_S);
    }
    const [{ projects, nextCursor }, counts] = await Promise.all([
      listProjectViews(db, { limit: MOST_ROWS, cursor: null, unsure: (id) => service.unsure(id) }),
      countProjectStates(db, { unsure: service.unsureProjects() }),
    ]);
    const { total, safe, needsAttention } = counts;
    const running = service.scheduler().running ? '' : ' Syncing is stopped.';
    const content = html`<p class="summary">${safe} of ${total} projects safe${
      needsAttention > 0 ? html`, <span class="bad">${needsAttention} need you</span>` : ''
    }.${running}</p>
      ${projects.length === 0 ? html`<p>No project yet: add one with POST /api/sync/projects.</p>` : table(projects.map(wireProject), service.machineId)}
      ${nextCursor === null ? '' : html`<p class="quiet">The first ${MOST_ROWS}; the API has the others.</p>`}`;
    return answerPage(c, 200, 'Projects', content, REFRESH_S);
  });
  app.get('/style.css', (c) => {
    c.header('Content-Type', 'text/css; charset=utf-8');
    c.header('Cache-Control', 'public, max-age=300');
    return c.body(STYLE);
  });
}

function table(projects: readonly WireProject[], thisMachine: string) {
  return html`<table><thead><tr><th>Project</th><th>State</th><th>Why, and what to do</th><th>Last safe</th></tr></thead>
<tbody>${projects.map((project) => row(project, thisMachine))}</tbody></table>`;
}

function row(project: WireProject, thisMachine: string) {
  const { projectName, machineId, path, branch, state, stateReason, lastSafeAt, heldFiles } = project;
  const held = heldFiles.length === 0 ? '' : html`<div>${heldFiles.length} file(s) held back</div>`;
  return html`<tr>
<td>${projectName}<br><small>${machineId === thisMachine ? '' : html`<b>${machineId}</b> `}${path}${branch === null ? '' : ` on ${branch}`}</small></td>
<td class="state ${toneOf(state)}">${state}</td>
<td>${stateReason ? html`<div>${stateReason.detail}</div><div class="quiet">${stateReason.action}</div>` : html`<span class="quiet">${quietReason(project)}</span>`}${held}</td>
<td>${lastSafeAt === null ? 'never yet' : html`<time datetime="${lastSafeAt}">${lastSafeAt.slice(0, 19).replace('T', ' ')} UTC</time>`}</td>
</tr>`;
}

function quietReason({ pendingFiles, unpushedCommits }: WireProject): string {
  const parts = [];
  if (pendingFiles > 0) parts.push(`${pendingFiles} changed file(s)`);
  if (unpushedCommits > 0) parts.push(`${unpushedCommits} commit(s) to push`);
  return parts.join(', ');
}

function toneOf(state: WireProject['state']): 'good' | 'wait' | 'bad' | 'quiet' {
  if (state === 'safe') return 'good';
  if (NEEDS_ATTENTION.has(state)) return 'bad';
  return state === 'paused' || state === 'disabled' ? 'quiet' : 'wait';
}
