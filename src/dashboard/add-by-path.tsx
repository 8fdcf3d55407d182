// Adds the folder that a person types: first what would leave this machine, then the word to do it.

import { useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { usePage } from './page-context.ts';
import { projectLink } from './route.ts';
import { UploadPreview } from './upload-preview.tsx';
import { type AddWish, repositoryName, useAdd } from './use-add.ts';
import type { Project, Upload } from './wire.ts';

type Looked = { path: string; upload: Upload };

export function AddByPath({ onAdded }: { onAdded: () => void }) {
  const { api } = usePage();
  const [path, setPath] = useState('');
  const [looked, setLooked] = useState<Looked | null>(null);
  const [added, setAdded] = useState<Project | null>(null);
  const { fault, busy, attempt } = useAttempt();
  const look = () =>
    attempt(async () => {
      setAdded(null);
      setLooked(null);
      const wanted = path.trim();
      type Answer = { upload: Upload };
      const { upload } = await api.send<Answer>('POST', '/api/sync/projects/preview', { path: wanted });
      setLooked({ path: wanted, upload });
    });
  const finish = (project: Project) => {
    setAdded(project);
    setLooked(null);
    setPath('');
    onAdded();
  };
  return (
    <>
      <form
        class="type-path"
        onSubmit={(event) => {
          event.preventDefault();
          void look();
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
        <button type="submit" class={looked === null ? 'primary' : ''} disabled={busy}>
          Look at it
        </button>
        <div role="status">
          {added !== null && (
            <p>
              <a href={projectLink(added.projectId)}>{added.projectName}</a> is added; its first sync is
              queued.
            </p>
          )}
          {fault !== null && <FaultText fault={fault} />}
        </div>
      </form>
      {looked !== null && <AddLooked key={looked.path} {...looked} onAdded={finish} />}
    </>
  );
}

function AddLooked({ path, upload, onAdded }: Looked & { onAdded: (project: Project) => void }) {
  const add = useAdd();
  const { fault, busy, attempt } = useAttempt();
  const [makes, setMakes] = useState(false);
  const [name, setName] = useState(repositoryName(path));
  const wish: AddWish = {
    path,
    ...(!upload.isRepository && { init: true }),
    ...(makes && { create: { name } }),
  };
  return (
    <section class="card" aria-label={`What adding ${path} would send`}>
      <p class="path">
        <b>{path}</b>
      </p>
      <UploadPreview upload={upload} />
      {!upload.isRepository && <p>It is no git repository yet; adding it makes it one, as git init does.</p>}
      {upload.remoteUrl === null && (
        <div class="make-remote">
          <label class="check">
            <input type="checkbox" checked={makes} onChange={() => setMakes(!makes)} />
            Make a private repository for it on GitHub
          </label>
          {makes && (
            <label>
              Its name
              <input
                required
                spellcheck={false}
                value={name}
                onInput={(event) => setName(event.currentTarget.value)}
              />
            </label>
          )}
        </div>
      )}
      <button
        type="button"
        class="primary"
        disabled={busy}
        onClick={() => void attempt(async () => onAdded(await add(wish)))}
      >
        {makes ? 'Make it, add and sync' : 'Add and sync'}
      </button>
      <div role="status">{fault !== null && <FaultText fault={fault} />}</div>
    </section>
  );
}

function FaultText({ fault }: { fault: ApiError }) {
  return (
    <p class="fault">
      {fault.message} {fault.action}
    </p>
  );
}

/** One thing at a time; a refusal is shown where it was asked for. */
function useAttempt() {
  const [fault, setFault] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault(null);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  return { fault, busy, attempt };
}
