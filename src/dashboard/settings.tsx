// The settings of the service, from the schema of PUT /api/sync/config; and starting and stopping it.

import { useState } from 'preact/hooks';
import { Confirm } from './dialog.tsx';
import { useLoad, usePage, usePart } from './page-context.ts';
import { SchemaForm } from './schema-form.tsx';
import { useSchema } from './use-schema.ts';
import type { Config } from './wire.ts';

/** What the API puts in the place of a secret: sent back, it would become the secret. */
const MASKED = /^\*+$/;

export function SettingsView() {
  const { api } = usePage();
  const schema = useSchema('ConfigPatch');
  const { value, error, reload } = useLoad((asked) => asked.get<Config>('/api/sync/config'), []);
  const save = async (patch: Record<string, unknown>) => {
    const answer = await api.send<{ restartRequired: string[] }>('PUT', '/api/sync/config', patch);
    reload();
    const { restartRequired } = answer;
    if (restartRequired.length === 0) return 'Saved, and in force now.';
    return `Saved. In force after a restart: ${restartRequired.join(', ')}.`;
  };
  return (
    <>
      <h1>Settings</h1>
      <Running />
      {error !== null && <p class="fault">{error.message}</p>}
      {schema !== null && value !== null && (
        <SchemaForm schema={schema} values={unmasked(value.config)} notes={notesOf(value)} save={save} />
      )}
    </>
  );
}

function unmasked(values: unknown): unknown {
  if (typeof values === 'string') return MASKED.test(values) ? undefined : values;
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return values;
  const kept = Object.entries(values).map(([key, value]) => [key, unmasked(value)] as const);
  const open = kept.filter(([, value]) => value !== undefined);
  return kept.length > 0 && open.length === 0 ? undefined : Object.fromEntries(open);
}

function notesOf({ config, sources }: Config): Record<string, string> {
  const notes = Object.entries(sources).filter(([, source]) => source !== 'default');
  const hidden = Object.entries(config).filter(
    ([, value]) => value !== null && unmasked(value) === undefined,
  );
  return Object.fromEntries([
    ...notes.map(([key, source]) => [key, `from ${source}`]),
    ...hidden.map(([key]) => [key, `set, not shown (${sources[key]})`]),
  ]);
}

function Running() {
  const { actions } = usePage();
  const running = usePart((state) => state.status?.serviceRunning ?? null);
  const [asks, setAsks] = useState(false);
  if (running === null) return null;
  return (
    <div class={`notice ${running ? 'good' : 'bad'}`}>
      <p>{running ? 'Syncing runs.' : 'Syncing is stopped: nothing is pushed.'}</p>
      {running ? (
        <button type="button" onClick={() => setAsks(true)}>
          Stop syncing
        </button>
      ) : (
        <button type="button" class="primary" onClick={() => void actions.setRunning(true)}>
          Start syncing
        </button>
      )}
      {asks && (
        <Confirm
          title="Stop syncing?"
          verb="Stop"
          onConfirm={() => actions.setRunning(false)}
          onClose={() => setAsks(false)}
        >
          <p>Running syncs are finished. Nothing is pushed until syncing is started again.</p>
        </Confirm>
      )}
    </div>
  );
}
