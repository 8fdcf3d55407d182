// The frame of every view: navigation, connection banner, messages, and keys that work everywhere.

import { useEffect, useRef, useState } from 'preact/hooks';
import { AddView } from './add.tsx';
import { AuditView } from './audit.tsx';
import { timeText } from './format.ts';
import { HistoryView } from './history.tsx';
import { KeyHelp } from './key-help.tsx';
import { LogView } from './log.tsx';
import { Login } from './login.tsx';
import { MachinesView } from './machines.tsx';
import { MetricsView } from './metrics.tsx';
import { NoticesView } from './notices.tsx';
import { OverviewView } from './overview.tsx';
import { useNow, usePage, usePart } from './page-context.ts';
import { PeopleView } from './people.tsx';
import { ProjectView } from './project.tsx';
import { QueueView } from './queue.tsx';
import { parseRoute, type Route, VIEWS, viewLink } from './route.ts';
import { SettingsView } from './settings.tsx';

const NAMES: Record<(typeof VIEWS)[number], string> = {
  overview: 'Overview',
  queue: 'Queue',
  history: 'History',
  metrics: 'Metrics',
  add: 'Add',
  machines: 'Machines',
  notices: 'Notices',
  settings: 'Settings',
  people: 'People',
  audit: 'Audit',
  log: 'Log',
};

export function Shell() {
  const route = useRoute();
  const needsToken = usePart((state) => state.needsToken);
  const isLost = usePart((state) => state.connection.kind === 'lost');
  const [showsKeys, setShowsKeys] = useState(false);
  const main = useRef<HTMLElement>(null);
  useKeys(() => setShowsKeys(true));
  const address = route.view === 'project' ? route.projectId : route.view;
  useEffect(() => {
    scrollTo(0, 0);
    document.title = `${route.view === 'project' ? route.projectId : NAMES[route.view]} · gitferry`;
  }, [address]);
  if (needsToken) return <Login />;
  return (
    <div class={`shell ${isLost ? 'is-lost' : ''}`}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <Navigation route={route} />
      <main tabIndex={-1} ref={main}>
        <ConnectionBanner />
        <View route={route} />
      </main>
      <Toasts />
      {showsKeys && <KeyHelp onClose={() => setShowsKeys(false)} />}
    </div>
  );
}

function useRoute(): Route {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}

/** Keys that reach every view; none while a person types or a dialog is open. */
function useKeys(showHelp: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('dialog[open]') !== null) return;
      const view = VIEWS[Number(event.key) - 1];
      if (view !== undefined) location.hash = viewLink(view);
      else if (event.key === '?') showHelp();
      else if (event.key === '/') {
        event.preventDefault();
        document.querySelector<HTMLElement>('input[type=search]')?.focus();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [showHelp]);
}

function View({ route }: { route: Route }) {
  switch (route.view) {
    case 'overview':
      return <OverviewView />;
    case 'project':
      return <ProjectView projectId={route.projectId} tab={route.tab} />;
    case 'queue':
      return <QueueView />;
    case 'history':
      return <HistoryView />;
    case 'metrics':
      return <MetricsView />;
    case 'add':
      return <AddView />;
    case 'machines':
      return <MachinesView />;
    case 'notices':
      return <NoticesView />;
    case 'settings':
      return <SettingsView />;
    case 'people':
      return <PeopleView />;
    case 'audit':
      return <AuditView />;
    case 'log':
      return <LogView />;
    default:
      return route satisfies never;
  }
}

function Navigation({ route }: { route: Route }) {
  const current = route.view === 'project' ? 'overview' : route.view;
  const status = usePart((state) => state.status);
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the names are a row that scrolls.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current]);
  return (
    <header class="side">
      <a class="brand" href={viewLink('overview')}>
        <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <path class="hull" d="M5 20h22l-3.5 6h-15z" />
          <path class="sail" d="M15 6v11H7zM17 9v8h7z" />
        </svg>
        gitferry
      </a>
      <nav aria-label="Views" ref={nav}>
        {VIEWS.map((view) => (
          <a key={view} href={viewLink(view)} {...(view === current && { 'aria-current': 'page' as const })}>
            {NAMES[view]}
          </a>
        ))}
      </nav>
      <p class="machine">{status !== null && `${status.machineId} · ${status.version}`}</p>
    </header>
  );
}

function ConnectionBanner() {
  const connection = usePart((state) => state.connection);
  const freshAt = usePart((state) => state.freshAt);
  const ahead = usePart((state) => state.clockAheadMs);
  const { live } = usePage();
  const now = useNow() - ahead;
  const lost = connection.kind === 'lost' ? connection : null;
  const inS = lost?.retryAt ? Math.max(0, Math.ceil((lost.retryAt - now) / 1000)) : null;
  return (
    <div role="status" class={lost ? 'banner' : ''}>
      {lost && (
        <>
          <strong>Disconnected, retrying{inS === null ? ' now' : ` in ${inS} s`}.</strong>
          <span>
            {freshAt === null ? 'Nothing was read yet.' : `What you see is as of ${timeText(freshAt)}.`}
          </span>
          <button type="button" onClick={() => live.connect()}>
            Retry now
          </button>
        </>
      )}
    </div>
  );
}

function Toasts() {
  const toasts = usePart((state) => state.toasts);
  return (
    <div class="toasts" role="status">
      {toasts.map(({ id, tone, text, action }) => (
        <div key={id} class={`toast ${tone}`}>
          <span>{text}</span>
          {action !== undefined && <small>{action}</small>}
        </div>
      ))}
    </div>
  );
}
