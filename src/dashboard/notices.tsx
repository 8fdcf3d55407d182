// What people were told outside of the page, where it went, and a test of the way there.

import { useState } from 'preact/hooks';
import { adviceText, agoText, countText, instantText } from './format.ts';
import { useNow, usePage, usePart } from './page-context.ts';
import { Pager } from './pager.tsx';
import { projectLink } from './route.ts';
import type { Tone } from './summary.ts';
import { usePages } from './use-pages.ts';
import type { Notice, NoticePage, NoticeTarget, NoticeTest } from './wire.ts';

const PAGE = 50;

const KINDS: Record<Notice['kind'], { text: string; tone: Tone }> = {
  'needs-attention': { text: 'needs you', tone: 'bad' },
  conflict: { text: 'conflict', tone: 'bad' },
  unsafe: { text: 'not safe for long', tone: 'wait' },
  'secret-held': { text: 'secret held', tone: 'wait' },
  recovered: { text: 'well again', tone: 'good' },
};

export function NoticesView() {
  // The status is read every few seconds: what waits and what fails is as fresh as it is.
  const freshAt = usePart((state) => state.freshAt);
  const { value, error, newer, older } = usePages<NoticePage>(
    (api, cursor) => api.get('/api/sync/notices', { limit: PAGE, cursor }),
    [],
    freshAt,
  );
  return (
    <>
      <h1>Notices</h1>
      {error !== null && <p class="fault">{error.message}</p>}
      {value !== null && <Targets targets={value.targets} />}
      <h2>What there is to tell</h2>
      {value !== null && value.notices.length === 0 && <p class="empty">Nothing had to be told yet.</p>}
      {value !== null && value.notices.length > 0 && (
        <ul class="cards">
          {value.notices.map((notice) => (
            <NoticeCard key={notice.id} notice={notice} />
          ))}
        </ul>
      )}
      <Pager newer={newer} older={older} />
    </>
  );
}

function Targets({ targets }: { targets: readonly NoticeTarget[] }) {
  const { api, actions } = usePage();
  const [results, setResults] = useState<NoticeTest['results'] | null>(null);
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    setResults(null);
    await actions.attempt(null, async () => {
      setResults((await api.send<NoticeTest>('POST', '/api/sync/notices/test', {})).results);
    });
    setBusy(false);
  };
  if (targets.length === 0) {
    return (
      <div class="notice">
        <p>
          Nobody is told outside of this page yet. Give <code>SYNC_NOTICE_WEBHOOK_URL</code> an address, or{' '}
          <code>SYNC_NOTICE_COMMAND</code> a program, and start the service anew.
        </p>
      </div>
    );
  }
  return (
    <section aria-label="Where notices go">
      <ul class="cards">
        {targets.map((target) => (
          <TargetCard key={target.target} target={target} />
        ))}
      </ul>
      <p class="buttons">
        <button type="button" disabled={busy} onClick={() => void test()}>
          Send a test notice
        </button>
      </p>
      <div role="status">
        {(results ?? []).map(({ target, ok, detail }) => (
          <p key={target} class={ok ? '' : 'fault'}>
            {target}: {ok ? `the test arrived. ${detail}` : detail}
          </p>
        ))}
      </div>
    </section>
  );
}

function TargetCard({ target: { target, waiting, lastSentAt, failing } }: { target: NoticeTarget }) {
  const now = useNow();
  const facts = [
    lastSentAt === null ? 'nothing sent yet' : `last sent ${agoText(lastSentAt, now)}`,
    waiting > 0 && `${countText(waiting, 'notice')} waiting`,
  ].filter(Boolean);
  return (
    <li class="card">
      <div class="card-head">
        <b>{target}</b>
        <span class={`badge ${failing === null ? 'good' : 'bad'}`}>
          {failing === null ? 'ready' : 'fails'}
        </span>
      </div>
      <p class="hint">{facts.join(' · ')}</p>
      {failing !== null && (
        <p>
          {failing.error}{' '}
          <span class="todo">
            Tried {countText(failing.attempts, 'time')} since {instantText(failing.since)}, again{' '}
            {agoText(failing.nextTryAt, now)}.
          </span>
        </p>
      )}
    </li>
  );
}

function NoticeCard({ notice }: { notice: Notice }) {
  const now = useNow();
  const { at, kind, projectId, projectName, machineId, code, detail, action, state } = notice;
  const { text, tone } = KINDS[kind];
  return (
    <li class="card">
      <div class="card-head">
        <a href={projectLink(projectId)}>{projectName}</a>
        <span class={`badge ${tone}`}>{text}</span>
      </div>
      <p>
        {detail} {action !== null && <span class="todo">{adviceText(action)}</span>}
      </p>
      <p class="hint">
        <time dateTime={at} title={instantText(at)}>
          {agoText(at, now)}
        </time>
        {` · on ${machineId}`}
        {code !== null && ` · ${code}`}
        {state === 'gathering' && ' · just noticed'}
      </p>
    </li>
  );
}
