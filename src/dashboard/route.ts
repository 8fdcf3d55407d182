// Which view the address names, and the address of each. The part behind # never leaves the browser.

export const VIEWS = [
  'overview',
  'queue',
  'history',
  'metrics',
  'add',
  'machines',
  'notices',
  'settings',
  'people',
  'audit',
  'log',
] as const;
type View = (typeof VIEWS)[number];
export const TABS = ['timeline', 'files', 'snapshots', 'remotes', 'settings'] as const;
export type Tab = (typeof TABS)[number];

export type Route = { view: View } | { view: 'project'; projectId: string; tab: Tab };

/** What names no view is the overview. */
export function parseRoute(hash: string): Route {
  const [first = '', second = '', third = ''] = hash.replace(/^#\/?/, '').split('/');
  if (first === 'projects' && second !== '') {
    const tab = TABS.find((name) => name === third) ?? 'timeline';
    return { view: 'project', projectId: decodeURIComponent(second), tab };
  }
  return { view: VIEWS.find((name) => name === first) ?? 'overview' };
}

export function viewLink(view: View): string {
  return view === 'overview' ? '#/' : `#/${view}`;
}

export function projectLink(projectId: string, tab?: Tab): string {
  return `#/projects/${encodeURIComponent(projectId)}${tab === undefined ? '' : `/${tab}`}`;
}
