// The published description of project.json, made from the schema that checks it.

import { z } from 'zod';
import { ProjectFileSchema } from '../model/project-config.ts';

/** JSON Schema of what a person may write into project.json (version 2). */
export function createProjectSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(ProjectFileSchema, { io: 'input' });
  return {
    $schema,
    title: 'project.json',
    description: 'Settings of one project for gitferry, version 2.',
    ...schema,
  };
}
