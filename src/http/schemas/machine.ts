// The machines on one queue, on the wire.

import { z } from '@hono/zod-openapi';
import { MACHINE_STATES } from '../../queue/machines.ts';
import { InstantSchema, SuccessSchema } from './common.ts';

const MachineSchema = z
  .object({
    machineId: z.string(),
    isThis: z.boolean().openapi({ description: 'The machine that answers.' }),
    state: z.enum(MACHINE_STATES).openapi({
      description: '`dead`: not heard of any more; `stopped`: it said so.',
    }),
    version: z.string().nullable(),
    startedAt: InstantSchema.nullable(),
    lastHeartbeatAt: InstantSchema.nullable().openapi({ description: 'Written every few seconds.' }),
    projects: z.int(),
    queue: z.object({ waiting: z.int(), running: z.int(), parked: z.int() }),
  })
  .openapi('Machine');

export const MachinesAnswerSchema = z
  .object({ success: SuccessSchema, machines: z.array(MachineSchema) })
  .openapi('MachinesAnswer');
