// Which role each route needs. Who calls is found out in access.ts.
// What is not listed: reading needs a viewer, changing an admin.

import type { Role } from '../model/caller.ts';

const PROJECT = '/api/sync/projects/:projectId';

/** An operator runs what is there; an admin decides what is there, who may call, and what leaves the machine. */
const EXCEPTIONS: readonly (readonly [Role, string, string])[] = [
  ['viewer', 'POST', '/api/sync/tickets'],
  // Each of its tools calls a route, which has its own role.
  ['viewer', 'POST', '/mcp'],
  ['operator', 'POST', '/api/sync/start'],
  ['operator', 'POST', '/api/sync/stop'],
  ['operator', 'POST', '/api/sync/pause'],
  ['operator', 'POST', '/api/sync/resume'],
  ['operator', 'POST', '/api/sync/trigger'],
  ['operator', 'POST', '/api/sync/trigger/:projectId'],
  ['operator', 'POST', `${PROJECT}/pause`],
  ['operator', 'POST', `${PROJECT}/resume`],
  ['operator', 'POST', `${PROJECT}/conflict`],
  ['operator', 'POST', `${PROJECT}/restore`],
  ['operator', 'POST', `${PROJECT}/deletions/confirm`],
  ['operator', 'POST', `${PROJECT}/pull-request`],
  ['operator', 'GET', '/api/sync/credentials'],
  // Folders that are no projects are nobody's business but an admin's.
  ['admin', 'GET', '/api/sync/discover'],
  ['admin', 'GET', '/api/sync/tokens'],
  ['admin', 'GET', '/api/sync/audit'],
];

const RULES = EXCEPTIONS.map(([role, method, path]) => ({
  role,
  method,
  pattern: new RegExp(`^${path.replace(/:[A-Za-z]+/g, '[^/]+')}$`),
}));

/** `path` as the router sees it. */
export function roleFor(method: string, path: string): Role {
  const asked = method === 'HEAD' ? 'GET' : method;
  const rule = RULES.find((known) => known.method === asked && known.pattern.test(path));
  if (rule !== undefined) return rule.role;
  return asked === 'GET' || asked === 'OPTIONS' ? 'viewer' : 'admin';
}
