// What installing gitferry as a service of this user means on each system: one file, and the commands that make it count.

import type { Host } from '../../host/types.ts';
import { Failure } from '../../model/failure.ts';
import { launchdPlan } from './launchd.ts';
import type { ServiceInput, ServicePlan } from './service-plan.ts';
import { systemdPlan } from './systemd.ts';
import { windowsPlan } from './windows-task.ts';

const PLANS: Record<string, (input: ServiceInput) => ServicePlan> = {
  linux: systemdPlan,
  darwin: launchdPlan,
  win32: windowsPlan,
};

/** @throws Failure `invalid-request` on a system without one of these */
export function planService(host: Pick<Host, 'platform'>, input: ServiceInput): ServicePlan {
  const plan = PLANS[host.platform];
  if (plan !== undefined) return plan(input);
  throw new Failure('invalid-request', `gitferry cannot install itself as a service on ${host.platform}.`, {
    action: `Let your system run: ${input.command.join(' ')}`,
  });
}
