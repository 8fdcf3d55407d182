// Adds projects: whether tokens are good, git folders that were found under the roots, and any path a person types.

import { AddByPath } from './add-by-path.tsx';
import { Credentials } from './credentials.tsx';
import { FoundFolders } from './found-folders.tsx';
import { useLoad } from './page-context.ts';
import type { Folder } from './wire.ts';

export function AddView() {
  return (
    <>
      <h1>Add projects</h1>
      <p>
        A project is a folder with a git repository. What is added is committed and pushed by itself from then
        on; files that look as if they held secrets stay here.
      </p>
      <AddProject />
      <section>
        <h2>Tokens</h2>
        <Credentials />
      </section>
    </>
  );
}

export function AddProject() {
  const { value, error, reload } = useLoad(
    (api) => api.get<{ folders: Folder[] }>('/api/sync/discover', { preview: 'true' }),
    [],
  );
  return (
    <div class="add">
      <AddByPath onAdded={reload} />
      {error !== null && <p class="fault">{error.message}</p>}
      {value === null ? (
        <p class="hint">Searching the roots…</p>
      ) : (
        <FoundFolders folders={value.folders} onAdded={reload} />
      )}
    </div>
  );
}
