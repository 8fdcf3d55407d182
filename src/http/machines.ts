// GET /api/sync/machines: who shares this queue, and whether they are there.

import { createRoute } from '@hono/zod-openapi';
import type { Service } from '../model/service.ts';
import { listMachines } from '../queue/machines.ts';
import type { Database } from '../store/database.ts';
import type { ApiApp } from './api-app.ts';
import { json, problems } from './schemas/common.ts';
import { MachinesAnswerSchema } from './schemas/machine.ts';
import { isoOrNull } from './wire.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/machines',
  summary: 'The machines that share this queue, their state and last heartbeat',
  responses: { 200: json(MachinesAnswerSchema, 'Every machine, by name.'), ...problems() },
});

type MachinesDeps = { db: Database; service: Pick<Service, 'machineId'> };

export function addMachineRoutes(app: ApiApp, { db, service }: MachinesDeps): void {
  app.openapi(listRoute, async (c) => {
    const machines = (await listMachines(db)).map(({ startedAt, lastHeartbeatAt, ...machine }) => ({
      ...machine,
      isThis: machine.machineId === service.machineId,
      startedAt: isoOrNull(startedAt),
      lastHeartbeatAt: isoOrNull(lastHeartbeatAt),
    }));
    return c.json({ success: true as const, machines }, 200);
  });
}
