// The notices of a running service: on its host, by its settings.

import type { Config } from '../config/settings.ts';
import type { Host } from '../host/types.ts';
import { VERSION } from '../version.ts';
import { type NoticePorts, type Notices, openNotices } from './open-notices.ts';

type Input = Pick<NoticePorts, 'db' | 'bus' | 'log' | 'machineId'> & {
  host: Pick<Host, 'clock' | 'random' | 'env' | 'cwd'>;
  service: Pick<NoticePorts, 'unsure'>;
  config: { current(): Config };
};

export function noticesOf({ host, service, config, ...ports }: Input): Notices {
  const { clock, random, env, cwd } = host;
  return openNotices({
    ...{ ...ports, clock, random, env, cwd, unsure: service.unsure },
    userAgent: `gitferry/${VERSION}`,
    settings: () => config.current(),
  });
}
