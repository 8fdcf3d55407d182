// Parts that several schemas share. Schemas validate requests and describe answers in /openapi.json alike.

import { z } from '@hono/zod-openapi';
import { FAILURES, type FailureCode } from '../../model/failure-codes.ts';
import { PROJECT_ID_PATTERN } from '../../model/ids.ts';

export const InstantSchema = z.iso.datetime().openapi({ example: '2025-01-31T12:00:00.000Z' });
export const DurationMsSchema = z.int().min(0).openapi({ description: 'Milliseconds.' });
export const SuccessSchema = z.literal(true);

/** For a shared schema: `.nullable()` would make it null wherever it is used in the document. */
export function orNull<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.null()]);
}

const FAILURE_CODES = Object.keys(FAILURES) as [FailureCode, ...FailureCode[]];

export const CodeSchema = z.enum(FAILURE_CODES);

export const ReasonSchema = z
  .object({
    code: CodeSchema,
    detail: z.string(),
    action: z.string().openapi({ description: 'What a person can do about it.' }),
  })
  .openapi('Reason');

const ProblemSchema = z
  .object({
    success: z.literal(false),
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: CodeSchema,
    action: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'Each value of the request that cannot be used.' }),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details.' });
export type Problem = z.infer<typeof ProblemSchema>;

const PROBLEM_TEXTS = {
  400: 'The request cannot be used; `errors` names each value.',
  401: 'A token is needed.',
  403: 'Called by a foreign host name, from a foreign origin, or without the role that it needs.',
  404: 'There is no such project or other thing.',
  408: 'The body was not complete after 30 s.',
  409: 'Not in this state.',
  413: 'The body is larger than 1 MiB.',
  422: 'The folder cannot be used.',
  500: 'Something unexpected happened; the log says what.',
  502: 'The host of the repository refused, or cannot be reached.',
  503: 'The database or the service cannot answer now.',
} as const;
type ProblemStatus = keyof typeof PROBLEM_TEXTS;

function problem(status: ProblemStatus) {
  return {
    description: PROBLEM_TEXTS[status],
    content: { 'application/problem+json': { schema: ProblemSchema } },
  };
}
type Problems<Status extends ProblemStatus> = Record<Status, ReturnType<typeof problem>>;

/** Documents problem answers; 401, 403, 500 and 503 belong to every route that needs a token. */
export function problems<const Status extends ProblemStatus>(...statuses: Status[]) {
  return onlyProblems<Status | 401 | 403 | 500 | 503>(...statuses, 401, 403, 500, 503);
}

/** Documents exactly these. */
export function onlyProblems<const Status extends ProblemStatus>(...statuses: Status[]): Problems<Status> {
  return Object.fromEntries(statuses.map((status) => [status, problem(status)])) as Problems<Status>;
}

/** Documents a JSON answer. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** Documents and validates a JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema, required = false) {
  return { content: { 'application/json': { schema } }, required };
}

/** A whole number in the query. */
export function queryInteger(min: number, max: number, fallback: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback });
}

/** An instant in the query, as epoch milliseconds. */
export const QueryInstantSchema = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be an ISO 8601 date or instant')
  .transform((text) => Date.parse(text))
  .openapi({ type: 'string', format: 'date-time' });

export const CursorSchema = z
  .string()
  .min(1)
  .max(500)
  .openapi({ description: '`nextCursor` of the page before.' });
export const NextCursorSchema = z.string().nullable().openapi({ description: 'Null at the end.' });
export const PageQuerySchema = z.object({
  limit: queryInteger(1, 500, 50),
  cursor: CursorSchema.optional(),
});

export const ProjectIdSchema = z.string().regex(PROJECT_ID_PATTERN).openapi({ example: 'blog' });
export const ProjectParamsSchema = z.object({
  projectId: ProjectIdSchema.openapi({ param: { name: 'projectId', in: 'path' } }),
});

/** For requests that take no body: an unknown key is still an error. */
export const EmptyBodySchema = z.strictObject({});
