// The first visit: token, folder, first sync.

import { AddProject } from './add.tsx';
import { Credentials } from './credentials.tsx';

export function FirstVisit() {
  return (
    <section class="first-visit">
      <h2>Three steps, and your work is safe by itself</h2>
      <ol class="steps">
        <li>
          <h3>A token for the remote</h3>
          <p>
            To push over HTTPS the service needs a token: <code>gitferry login</code> gets one from GitHub, or
            set <code>GITHUB_TOKEN</code>, or <code>SYNC_TOKENS</code> for other hosts, where it is started.
            Repositories that push over SSH or without a password need none.
          </p>
          <Credentials />
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
