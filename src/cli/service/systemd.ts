// Linux: a systemd unit of the user. It restarts what fails, and not what was stopped.

import { join } from 'node:path';
import { ENVIRONMENT_FILE, type ServiceInput, type ServicePlan } from './service-plan.ts';

const UNIT = 'gitferry.service';
/** Longer than a stop may take (shutdownGraceMs and closing). */
const STOP_LIMIT_S = 60;

export function systemdPlan({ command, homeDir, searchPath, stateFolder }: ServiceInput): ServicePlan {
  const systemctl = (...words: string[]) => ['systemctl', '--user', ...words];
  const text = `[Unit]
Description=gitferry keeps project folders on GitHub
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStart=${command.map(unitWord).join(' ')}
WorkingDirectory=${unitPath(stateFolder)}
Environment=${unitWord(`PATH=${searchPath}`)} NODE_ENV=production
EnvironmentFile=-%h/${ENVIRONMENT_FILE.join('/')}
Restart=on-failure
RestartSec=5
TimeoutStopSec=${STOP_LIMIT_S}

[Install]
WantedBy=default.target
`;
  return {
    kind: 'systemd',
    path: join(homeDir, '.config', 'systemd', 'user', UNIT),
    text,
    enable: [systemctl('daemon-reload'), systemctl('enable', '--now', UNIT)],
    disable: [systemctl('disable', '--now', UNIT)],
    status: systemctl('is-active', UNIT),
    notes: [
      'It runs while you are logged in. To run it from boot on: loginctl enable-linger',
      'Its log: journalctl --user -u gitferry',
    ],
  };
}

/** One word as a unit takes it: quoted, with the signs that systemd reads doubled (systemd.syntax(7)). */
function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@%+=:,./-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A path stands alone and is not quoted. */
function unitPath(path: string): string {
  return path.replaceAll('%', '%%');
}
