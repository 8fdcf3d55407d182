// Writes project.schema.json from the schema in the source: `node --import tsx scripts/write-schemas.ts`.

import { writeFile } from 'node:fs/promises';
import { createProjectSchema } from '../src/detect/project-schema.ts';

const target = new URL('../project.schema.json', import.meta.url);
await writeFile(target, `${JSON.stringify(createProjectSchema(), null, 2)}\n`);
