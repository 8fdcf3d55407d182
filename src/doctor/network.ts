// Whether the hosts of the projects can be reached, and whether the clock agrees with theirs.

import { connect } from 'node:net';
import { parseRemoteUrl } from '../git/remote/remote-url.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

const LIMIT_MS = 8_000;
/** Tokens of apps and signed requests are refused beyond this. */
const MOST_SKEW_MS = 60_000;
const SSH_PORT = 22;

type Clock = { now(): number };

/** Each host once: by its web server, or by its port for SSH. */
export async function checkHosts(remoteUrls: readonly string[], clock: Clock): Promise<Finding[]> {
  const asked = new Map<string, () => Promise<Finding[]>>();
  for (const url of remoteUrls) {
    const remote = parseRemoteUrl(url);
    if (remote.kind === 'ssh') asked.set(`ssh ${remote.host}`, () => checkSsh(remote.host));
    else if (URL.canParse(url)) {
      const { origin } = new URL(url);
      asked.set(origin, () => checkWeb(origin, clock));
    }
  }
  return (await Promise.all([...asked.values()].map((ask) => ask()))).flat();
}

async function checkWeb(origin: string, clock: Clock): Promise<Finding[]> {
  const { host } = new URL(origin);
  try {
    const before = clock.now();
    const response = await fetch(`${origin}/`, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const reached = ok(['network', host], `${host} answers.`);
    return [reached, ...checkClock(response.headers.get('date'), (before + clock.now()) / 2, host)];
  } catch (error) {
    return [unreachable(host, (error as { cause?: unknown }).cause ?? error)];
  }
}

/** Its date has whole seconds. */
export function checkClock(date: string | null, now: number, host: string): Finding[] {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return [];
  const skewMs = now - theirs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return [ok('clock', `The clock agrees with ${host}.`)];
  const way = skewMs > 0 ? 'ahead of' : 'behind';
  return [
    warning(
      'clock',
      `The clock is ${seconds} s ${way} that of ${host}: tokens may be refused, times are wrong.`,
      'Let the system set it: `sudo timedatectl set-ntp true`.',
    ),
  ];
}

function checkSsh(hostAndPort: string): Promise<Finding[]> {
  const [, host = hostAndPort, port] = /^(.*?)(?::(\d+))?$/.exec(hostAndPort) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port ?? SSH_PORT) });
    const end = (found: Finding) => {
      socket.destroy();
      resolve([found]);
    };
    socket.setTimeout(LIMIT_MS, () => end(unreachable(hostAndPort, new Error('no answer in time'))));
    socket.once('connect', () => end(ok(['network', hostAndPort], `${hostAndPort} answers for SSH.`)));
    socket.once('error', (error) => end(unreachable(hostAndPort, error)));
  });
}

function unreachable(host: string, error: unknown): Finding {
  const { code, message } = error as { code?: string; message?: string };
  return fault(
    ['network', host],
    `${host} cannot be reached (${code ?? message ?? String(error)}).`,
    'Check the network, and the proxy or firewall; changes are committed here meanwhile.',
  );
}
