// Work that its branch does not take on the remote, the side branch that has it, and a pull request for it.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { usePage } from './page-context.ts';
import type { Project } from './wire.ts';

type Aside = Project['remotes'][number]['asides'][number];
type PullRequest = { number: number; url: string; created: boolean; base: string };

export function Asides({ projectId, asides }: { projectId: string; asides: readonly Aside[] }) {
  if (asides.length === 0) return null;
  return (
    <ul class="paths">
      {asides.map((aside) => (
        <AsideItem key={aside.head} projectId={projectId} aside={aside} />
      ))}
    </ul>
  );
}

function AsideItem({ projectId, aside: { branch, head, why } }: { projectId: string; aside: Aside }) {
  const { actions, api } = usePage();
  const [opened, setOpened] = useState<PullRequest | null>(null);
  const open = () =>
    actions.attempt(null, async () => {
      const path = projectPath(projectId, '/pull-request');
      setOpened((await api.send<{ pullRequest: PullRequest }>('POST', path, { branch })).pullRequest);
    });
  return (
    <li>
      <b>{branch}</b> is on the remote as <code>{head}</code>: {why}{' '}
      {opened === null ? (
        <button type="button" onClick={() => void open()}>
          Open a pull request
        </button>
      ) : (
        <a href={opened.url} rel="noreferrer">
          Pull request {opened.number} to {opened.base}
        </a>
      )}
    </li>
  );
}
