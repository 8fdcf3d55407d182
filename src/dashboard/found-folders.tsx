// Git folders under the roots that are no projects yet, each with what it would send; any number is added at once.

import { useState } from 'preact/hooks';
import { countText } from './format.ts';
import { useLoad, usePage } from './page-context.ts';
import { viewLink } from './route.ts';
import { UploadPreview, uploadText } from './upload-preview.tsx';
import { repositoryName, useAdd } from './use-add.ts';
import type { Config, Folder } from './wire.ts';

type Props = { folders: readonly Folder[]; onAdded: () => void };

export function FoundFolders({ folders, onAdded }: Props) {
  const add = useAdd();
  const { actions } = usePage();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [makes, setMakes] = useState(false);
  if (folders.length === 0) return <NothingFound />;
  const toggle = (path: string) => {
    const next = new Set(picked);
    if (!next.delete(path)) next.add(path);
    setPicked(next);
  };
  const chosen = folders.filter(({ path }) => picked.has(path));
  const lacking = chosen.filter(({ remoteUrl }) => remoteUrl === null);
  const addPicked = async () => {
    for (const { path, remoteUrl } of chosen) {
      const create = makes && remoteUrl === null ? { create: { name: repositoryName(path) } } : {};
      await actions.attempt(null, () => add({ path, ...create }));
    }
    setPicked(new Set());
    onAdded();
  };
  return (
    <fieldset class="found">
      <legend>Found on this machine</legend>
      {folders.map((folder) => (
        <FoundItem
          key={folder.path}
          folder={folder}
          isPicked={picked.has(folder.path)}
          onToggle={() => toggle(folder.path)}
        />
      ))}
      {lacking.length > 0 && (
        <label class="check">
          <input type="checkbox" checked={makes} onChange={() => setMakes(!makes)} />
          Make private repositories on GitHub for {countText(lacking.length, 'folder')} without a remote
        </label>
      )}
      <button type="button" class="primary" disabled={picked.size === 0} onClick={() => void addPicked()}>
        Add {countText(picked.size, 'folder')}
      </button>
    </fieldset>
  );
}

type ItemProps = { folder: Folder; isPicked: boolean; onToggle: () => void };

function FoundItem({ folder: { path, name, remoteUrl, upload }, isPicked, onToggle }: ItemProps) {
  return (
    <div class="found-one">
      <label class="found-item">
        <input type="checkbox" checked={isPicked} onChange={onToggle} />
        <span>
          <b>{name}</b>
          <span class="path">{path}</span>
          <span class="hint">
            {remoteUrl === null ? 'has no remote yet' : `goes to ${remoteUrl}`}
            {upload !== null && `; ${uploadText(upload)}`}
          </span>
        </span>
      </label>
      {isPicked && upload !== null && <UploadPreview upload={upload} />}
    </div>
  );
}

function NothingFound() {
  const { value } = useLoad((api) => api.get<Config>('/api/sync/config'), []);
  const roots = (value?.config.roots as string[] | undefined) ?? [];
  return (
    <p class="hint">
      {roots.length === 0 ? 'No roots are searched' : `Nothing new was found under ${roots.join(', ')}`}.
      Roots are set under <a href={viewLink('settings')}>Settings</a>.
    </p>
  );
}
