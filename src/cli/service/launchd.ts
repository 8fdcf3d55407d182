// macOS: a launch agent of the user. launchd knows no file of variables, so a shell reads it and becomes gitferry.

import { join } from 'node:path';
import { ENVIRONMENT_FILE, type ServiceInput, type ServicePlan } from './service-plan.ts';
import { xmlText } from './xml-text.ts';

const LABEL = 'dev.gitferry.gitferry';
const READ_VARIABLES = `file="$HOME/${ENVIRONMENT_FILE.join('/')}"; if [ -r "$file" ]; then set -a; . "$file"; set +a; fi; exec "$@"`;

export function launchdPlan({ command, homeDir, searchPath, stateFolder }: ServiceInput): ServicePlan {
  const path = join(homeDir, 'Library', 'LaunchAgents', `${LABEL}.plist`);
  const words = ['/bin/sh', '-c', READ_VARIABLES, 'sh', ...command];
  const log = join(stateFolder, 'gitferry.log');
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${xmlText(word)}</string>`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>${xmlText(searchPath)}</string>
    <key>NODE_ENV</key>
    <string>production</string>
  </dict>
  <key>WorkingDirectory</key>
  <string>${xmlText(stateFolder)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ExitTimeOut</key>
  <integer>60</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>StandardErrorPath</key>
  <string>${xmlText(log)}</string>
  <key>StandardOutPath</key>
  <string>${xmlText(log)}</string>
</dict>
</plist>
`;
  return {
    kind: 'launchd',
    path,
    text,
    enable: [['launchctl', 'load', '-w', path]],
    disable: [['launchctl', 'unload', '-w', path]],
    status: ['launchctl', 'list', LABEL],
    notes: [`Its log: ${log}`],
  };
}
