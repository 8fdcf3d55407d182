// The first visit: token, folder, first sync, each with whether it is done.

import { AddProject } from './add.tsx';
import { useLoad } from './page-context.ts';
import type { Config } from './wire.ts';

export function FirstVisit() {
  const { value } = useLoad((api) => api.get<Config>('/api/sync/config'), []);
  const tokens = value?.config.tokens;
  const hasToken = typeof tokens === 'object' && tokens !== null && Object.keys(tokens).length > 0;
  return (
    <section class="first-visit">
      <h2>Three steps, and your work is safe by itself</h2>
      <ol class="steps">
        <li>
          <h3>A token for the remote {hasToken && <span class="badge good">set</span>}</h3>
          <p>
            To push over HTTPS the service needs a token: set <code>GITHUB_TOKEN</code>, or{' '}
            <code>SYNC_TOKENS</code> for other hosts, where it is started. Repositories that push over SSH or
            without a password need none.
          </p>
        </li>
        <li>
          <h3>A folder</h3>
          <AddProject />
        </li>
        <li>
          <h3>The first sync</h3>
          <p>
            It begins as soon as a folder is added. From then on every saved change follows within seconds.
          </p>
        </li>
      </ol>
    </section>
  );
}
