// Adds projects: git folders that were found under the roots, or a path that a person types.

import { useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { countText } from './format.ts';
import { useLoad, usePage } from './page-context.ts';
import { projectLink, viewLink } from './route.ts';
import type { Config, Folder, Project } from './wire.ts';

export function AddView() {
  return (
    <>
      <h1>Add projects</h1>
      <p>
        A project is a folder with a git repository. What is added is committed and pushed by itself from then
        on; files that look as if they held secrets stay here.
      </p>
      <AddProject />
    </>
  );
}

export function AddProject() {
  const { value, error, reload } = useLoad((api) => api.get<{ folders: Folder[] }>('/api/sync/discover'), []);
  return (
    <div class="add">
      <TypePath onAdded={reload} />
      {error !== null && <p class="fault">{error.message}</p>}
      {value === null ? (
        <p class="hint">Searching the roots…</p>
      ) : (
        <Found folders={value.folders} onAdded={reload} />
      )}
    </div>
  );
}

/** Adds one folder and asks for its first sync. @throws ApiError */
function useAdd(): (path: string) => Promise<Project> {
  const { api, live } = usePage();
  return async (path) => {
    const body = { path, github: { enabled: true } };
    const { project } = await api.send<{ project: Project }>('POST', '/api/sync/projects', body);
    const trigger = `/api/sync/trigger/${encodeURIComponent(project.projectId)}`;
    await api.send('POST', trigger, { immediate: true });
    await live.refresh([project.projectId]);
    return project;
  };
}

function TypePath({ onAdded }: { onAdded: () => void }) {
  const add = useAdd();
  const [path, setPath] = useState('');
  const [added, setAdded] = useState<Project | null>(null);
  const [fault, setFault] = useState<ApiError | null>(null);
  const submit = async () => {
    try {
      setAdded(await add(path.trim()));
      setFault(null);
      setPath('');
      onAdded();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAdded(null);
      setFault(error);
    }
  };
  return (
    <form
      class="type-path"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label>
        Path of a folder
        <input
          name="path"
          required
          placeholder="/home/ada/blog"
          spellcheck={false}
          value={path}
          onInput={(event) => setPath(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Add
      </button>
      <div role="status">
        {added !== null && (
          <p>
            <a href={projectLink(added.projectId)}>{added.projectName}</a> is added; its first sync is queued.
          </p>
        )}
        {fault !== null && (
          <p class="fault">
            {fault.message} {fault.action}
          </p>
        )}
      </div>
    </form>
  );
}

function Found({ folders, onAdded }: { folders: readonly Folder[]; onAdded: () => void }) {
  const add = useAdd();
  const { actions } = usePage();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const { value } = useLoad((api) => api.get<Config>('/api/sync/config'), []);
  const roots = (value?.config.roots as string[] | undefined) ?? [];
  if (folders.length === 0) {
    return (
      <p class="hint">
        {roots.length === 0 ? 'No roots are searched' : `Nothing new was found under ${roots.join(', ')}`}.
        Roots are set under <a href={viewLink('settings')}>Settings</a>.
      </p>
    );
  }
  const toggle = (path: string) => {
    const next = new Set(picked);
    if (!next.delete(path)) next.add(path);
    setPicked(next);
  };
  const addPicked = async () => {
    for (const path of picked) await actions.attempt(null, () => add(path));
    setPicked(new Set());
    onAdded();
  };
  return (
    <fieldset class="found">
      <legend>Found on this machine</legend>
      {folders.map(({ path, name, remoteUrl }) => (
        <label key={path} class="found-item">
          <input type="checkbox" checked={picked.has(path)} onChange={() => toggle(path)} />
          <span>
            <b>{name}</b>
            <span class="path">{path}</span>
            <span class="hint">{remoteUrl === null ? 'has no remote yet' : `goes to ${remoteUrl}`}</span>
          </span>
        </label>
      ))}
      <button type="button" class="primary" disabled={picked.size === 0} onClick={() => void addPicked()}>
        Add {countText(picked.size, 'folder')}
      </button>
    </fieldset>
  );
}
