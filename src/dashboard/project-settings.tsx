// The settings of one project, from the schema of PATCH.

import { projectPath } from './api.ts';
import { usePage } from './page-context.ts';
import { SchemaForm } from './schema-form.tsx';
import { useSchema } from './use-schema.ts';
import type { Project } from './wire.ts';

export function ProjectSettings({ project }: { project: Project }) {
  const { api, live } = usePage();
  const schema = useSchema('GithubPatch');
  if (schema === null) return <p class="hint">Looking…</p>;
  const { projectId, configHome, path, github } = project;
  const save = async (patch: Record<string, unknown>) => {
    await api.send('PATCH', projectPath(projectId), { github: patch });
    await live.refresh([projectId]);
    return 'Saved.';
  };
  return (
    <section>
      <p class="hint">
        {configHome === 'file' ? (
          <>
            Kept in <code>{path}/project.json</code>.
          </>
        ) : (
          'Kept in the database of this machine.'
        )}{' '}
        An empty field means the default.
      </p>
      <SchemaForm schema={schema} values={github.settings} faultPrefix="github." save={save} />
    </section>
  );
}
