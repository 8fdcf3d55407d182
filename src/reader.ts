// The API without a service: it answers from the database what was there when the last one stopped, and changes nothing.

import { type App, type AppInput, assemble, machineOf, withSaved } from './app.ts';
import { mergeLayers } from './config/layers.ts';
import { createProjectTable } from './runner/project-table.ts';
import { dataFolderOf, openStoreForReading } from './service/open-store.ts';
import { listProjects } from './store/projects.ts';

/** The API on a database that no service uses: it answers what is there, and changes nothing. */
export type Reader = Pick<App, 'fetch'> & { close(): Promise<void> };

/** @throws Failure `database-missing`, `database-older`, `database-corrupt`, … */
export async function openReader(input: AppInput): Promise<Reader> {
  const { host, log } = input;
  const first = mergeLayers(input.layers).config;
  const db = await openStoreForReading(host, first, log);
  try {
    const machineId = machineOf(host, first);
    const layers = await withSaved(input, db, machineId);
    const projects = createProjectTable();
    // Known and not watched: none of them is called safe.
    for (const project of await listProjects(db, { machineId })) projects.put(project);
    const app = assemble({
      ...input,
      layers,
      db,
      lock: null,
      projects,
      dataFolder: dataFolderOf(host, first),
    });
    await app.bus.start();
    const close = async () => {
      await app.bus.stop();
      await db.close();
    };
    return { fetch: app.fetch, close };
  } catch (error) {
    await db.close();
    throw error;
  }
}
