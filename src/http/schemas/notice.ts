// Notices on the wire, and the places they go to.

import { z } from '@hono/zod-openapi';
import { NOTICE_KINDS, NOTICE_TARGETS } from '../../model/notice.ts';
import {
  CodeSchema,
  InstantSchema,
  NextCursorSchema,
  PageQuerySchema,
  ProjectIdSchema,
  SuccessSchema,
} from './common.ts';

const NoticeSchema = z
  .object({
    id: z.int(),
    at: InstantSchema,
    kind: z.enum(NOTICE_KINDS),
    projectId: z.string(),
    projectName: z.string(),
    machineId: z.string(),
    code: CodeSchema.nullable(),
    detail: z.string(),
    action: z.string().nullable(),
    state: z.enum(['gathering', 'released']).openapi({
      description: '`gathering`: it goes out with others in a moment, or not at all when it is over by then.',
    }),
  })
  .openapi('Notice');

const TargetSchema = z
  .object({
    target: z.enum(NOTICE_TARGETS),
    waiting: z.int().openapi({ description: 'Notices that it has not had yet.' }),
    lastSentAt: InstantSchema.nullable(),
    failing: z
      .object({ since: InstantSchema, attempts: z.int(), error: z.string(), nextTryAt: InstantSchema })
      .nullable(),
  })
  .openapi('NoticeTarget');

export const NoticesQuerySchema = PageQuerySchema.extend({ projectId: ProjectIdSchema.optional() });
export const NoticesAnswerSchema = z
  .object({
    success: SuccessSchema,
    notices: z.array(NoticeSchema),
    nextCursor: NextCursorSchema,
    targets: z.array(TargetSchema).openapi({ description: 'Those of the machine that answers.' }),
  })
  .openapi('NoticesAnswer');
export const NoticeTestAnswerSchema = z
  .object({
    success: SuccessSchema,
    results: z.array(z.object({ target: z.enum(NOTICE_TARGETS), ok: z.boolean(), detail: z.string() })),
  })
  .openapi('NoticeTestAnswer');
