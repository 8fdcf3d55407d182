// The kind of app to which every resource adds its routes.

import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Caller } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import { faultsOf, invalidRequest } from './problem.ts';

export type ApiEnv = {
  Variables: {
    /** The answer is a WebSocket and takes no further headers. */
    upgraded: boolean;
    /** Names this request in answers and in the log. */
    requestId: string;
    /** Who calls; not set on paths that are open to everybody. */
    caller: Caller;
    /** Names of the values in the body, for the audit. */
    bodyKeys: string[];
    /** What was made or taken away, where the path does not say. */
    subject: string;
    /** For requests whose parts are recorded one by one. */
    isAuditedElsewhere: boolean;
  };
};
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

/** Who calls. @throws Error on a path that is open to everybody: that is a mistake of the route */
export function callerOf(c: Context<ApiEnv>): Caller {
  const caller = c.get('caller');
  if (caller === undefined) throw new Error(`${c.req.path} is open, so nobody knows who calls it`);
  return caller;
}
