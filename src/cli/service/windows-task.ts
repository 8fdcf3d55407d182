// Windows: a task that begins when the user logs on. Variables of the user count; there is no file of them.

import { join } from 'node:path';
import type { ServiceInput, ServicePlan } from './service-plan.ts';
import { xmlText } from './xml-text.ts';

const TASK = 'gitferry';

export function windowsPlan({ command, stateFolder }: ServiceInput): ServicePlan {
  const path = join(stateFolder, 'gitferry-task.xml');
  const [program = '', ...rest] = command;
  const text = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>gitferry keeps project folders on GitHub</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
    </LogonTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions>
    <Exec>
      <Command>${xmlText(program)}</Command>
      <Arguments>${xmlText(rest.map(windowsWord).join(' '))}</Arguments>
      <WorkingDirectory>${xmlText(stateFolder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
  return {
    kind: 'task scheduler',
    path,
    // What schtasks reads.
    text: Buffer.from(`\uFEFF${text}`, 'utf16le'),
    enable: [
      ['schtasks', '/Create', '/TN', TASK, '/XML', path, '/F'],
      ['schtasks', '/Run', '/TN', TASK],
    ],
    disable: [['schtasks', '/Delete', '/TN', TASK, '/F']],
    status: ['schtasks', '/Query', '/TN', TASK],
    notes: ['Tokens are taken from your own environment variables (setx GITHUB_TOKEN ...).'],
  };
}

/** As programs on Windows take their command line apart: backslashes count only before a quote. */
function windowsWord(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
