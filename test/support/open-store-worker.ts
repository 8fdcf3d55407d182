// Opens a database as another process would. Arguments: its path, and what to do: `as-nobody` gives up the rights of
// the administrator first and prints `opened` or the failure's code; `on-word` waits for a line of input and
// prints the database's epoch.

import { once } from 'node:events';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { openDatabase } from '../../src/store/open.ts';

const NOBODY = 65_534;
const deps = { clock: systemClock, random: systemRandom, log: silentLog };
const [path = '', how] = process.argv.slice(2);

if (how === 'as-nobody') {
  if (process.getuid?.() === 0) process.setuid?.(NOBODY);
  console.log(await openAndClose());
} else {
  console.log('ready');
  await once(process.stdin, 'data');
  const db = await openDatabase({ path }, deps);
  const [row] = await db.run("SELECT value FROM meta WHERE key = 'epoch'");
  await db.close();
  console.log(String(row?.value));
  process.exit(0);
}

async function openAndClose(): Promise<string> {
  try {
    await (await openDatabase({ path }, deps)).close();
    return 'opened';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
