// Each project, looked at as a sync does before it touches anything.

import { probeRepository } from '../git/probe/probe.ts';
import { Failure } from '../model/failure.ts';
import { type Finding, fault, ok } from './finding.ts';

type Probed = {
  projectId: string;
  path: string;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  now: number;
};

export async function checkProject({ projectId, path, env, homeDir, now }: Probed): Promise<Finding> {
  const about = ['project', projectId] as const;
  try {
    const probe = await probeRepository({ worktree: path, env, homeDir, now });
    switch (probe.kind) {
      case 'ready':
        return ok(about, 'The built-in engine serves it.');
      case 'needs-git':
        return ok(about, `The system's git serves it: ${probe.feature}.`);
      case 'blocked':
        return fault(about, `${probe.reason.detail} (${probe.reason.code})`, probe.reason.action);
      default:
        return probe satisfies never;
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return fault(about, `${error.message} (${error.code})`, error.action);
  }
}
