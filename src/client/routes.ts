// Every route of the API by the name of its method. test/client/routes.test.ts compares it with /openapi.json.

import type { Methods } from './methods.ts';

export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{name}` stands for an argument of the method, in this order. */
  path: string;
  /** Where the argument after those goes; null: there is none. */
  input: 'query' | 'body' | null;
  /** A status beside 200 to 299 whose body is an answer and no refusal. */
  alsoAnswers?: number;
};

export const FEED_PATH = '/api/sync/events';
export const HEALTH_PATH = '/health';
const TOKENS = '/api/sync/tokens';
const PROJECTS = '/api/sync/projects';
const PROJECT = `${PROJECTS}/{projectId}`;

export const ROUTES: Readonly<Record<keyof Methods, Route>> = {
  start: route('POST', '/api/sync/start'),
  stop: route('POST', '/api/sync/stop'),
  status: route('GET', '/api/sync/status'),
  pause: route('POST', '/api/sync/pause', 'body'),
  resume: route('POST', '/api/sync/resume'),
  trigger: route('POST', '/api/sync/trigger', 'body'),
  triggerProject: route('POST', '/api/sync/trigger/{projectId}', 'body'),
  queue: route('GET', '/api/sync/queue', 'query'),
  history: route('GET', '/api/sync/history', 'query'),
  projectHistory: route('GET', '/api/sync/history/{projectId}', 'query'),
  metrics: route('GET', '/api/sync/metrics', 'query'),
  deleteHistory: route('DELETE', '/api/sync/history', 'query'),
  config: route('GET', '/api/sync/config'),
  updateConfig: route('PUT', '/api/sync/config', 'body'),
  backup: route('POST', '/api/sync/backup', 'body'),
  machines: route('GET', '/api/sync/machines'),
  projects: route('GET', PROJECTS, 'query'),
  project: route('GET', PROJECT),
  addProject: route('POST', PROJECTS, 'body'),
  updateProject: route('PATCH', PROJECT, 'body'),
  removeProject: route('DELETE', PROJECT),
  pauseProject: route('POST', `${PROJECT}/pause`, 'body'),
  resumeProject: route('POST', `${PROJECT}/resume`),
  discover: route('GET', '/api/sync/discover', 'query'),
  credentials: route('GET', '/api/sync/credentials', 'query'),
  previewProject: route('POST', `${PROJECTS}/preview`, 'body'),
  repository: route('GET', `${PROJECT}/repository`),
  openPullRequest: route('POST', `${PROJECT}/pull-request`, 'body'),
  snapshots: route('GET', `${PROJECT}/snapshots`, 'query'),
  snapshot: route('GET', `${PROJECT}/snapshots/{snapshotId}`, 'query'),
  restore: route('POST', `${PROJECT}/restore`, 'body'),
  held: route('GET', `${PROJECT}/held`, 'query'),
  releaseHeld: route('POST', `${PROJECT}/held/release`, 'body'),
  confirmDeletions: route('POST', `${PROJECT}/deletions/confirm`, 'body'),
  conflict: route('GET', `${PROJECT}/conflict`),
  resolveConflict: route('POST', `${PROJECT}/conflict`, 'body'),
  tokens: route('GET', TOKENS, 'query'),
  addToken: route('POST', TOKENS, 'body'),
  revokeToken: route('DELETE', `${TOKENS}/{tokenId}`),
  audit: route('GET', '/api/sync/audit', 'query'),
  notices: route('GET', '/api/sync/notices', 'query'),
  testNotices: route('POST', '/api/sync/notices/test'),
  webhook: route('GET', `${PROJECT}/webhook`),
  registerWebhook: route('POST', `${PROJECT}/webhook`),
  removeWebhook: route('DELETE', `${PROJECT}/webhook`),
  ticket: route('POST', '/api/sync/tickets'),
  pollEvents: route('GET', FEED_PATH, 'query'),
  health: { ...route('GET', HEALTH_PATH), alsoAnswers: 503 },
};

function route(method: Route['method'], path: string, input: Route['input'] = null): Route {
  return { method, path, input };
}
