// The kind of app to which every resource adds its routes.

import { OpenAPIHono } from '@hono/zod-openapi';
import { Failure } from '../model/failure.ts';
import { faultsOf, invalidRequest } from './problem.ts';

/** `upgraded`: the answer is a WebSocket and takes no further headers. */
export type ApiEnv = { Variables: { upgraded: boolean } };
export type ApiApp = OpenAPIHono<ApiEnv>;

/** An app whose validation faults become problem answers. */
export function createApiApp(): ApiApp {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      // No project can have an id of another form.
      if (result.target === 'param')
        throw new Failure('project-not-found', 'There is no project of this id.');
      throw invalidRequest(faultsOf(result.error.issues));
    },
  });
}
