// Lanes join a machine with the gates of a host and a credential; a project's jobs wait in one.

import type { SqlStatement } from './database.ts';

export type Lane = {
  machineId: string;
  /** For example `host:github.com`. */
  hostGate: string;
  /** For example `credential:github.com`; never the secret. */
  credentialGate: string;
};

/** Makes the lane and its gates unless they exist; for the batch that saves a project. */
export function laneStatements({ machineId, hostGate, credentialGate }: Lane): SqlStatement[] {
  return [
    {
      sql: 'INSERT INTO gates(key) VALUES (:hostGate), (:credentialGate) ON CONFLICT(key) DO NOTHING',
      args: { hostGate, credentialGate },
    },
    {
      sql: `INSERT INTO lanes(machine_id, host_gate, credential_gate) VALUES (:machineId, :hostGate, :credentialGate)
            ON CONFLICT(machine_id, host_gate, credential_gate) DO NOTHING`,
      args: { machineId, hostGate, credentialGate },
    },
  ];
}

/** An SQL expression for the lane's id; takes `:machineId`, `:hostGate`, `:credentialGate`. */
export const LANE_ID = `(SELECT id FROM lanes
  WHERE machine_id = :machineId AND host_gate = :hostGate AND credential_gate = :credentialGate)`;
