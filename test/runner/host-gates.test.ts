// Questions to a remote outside of the queue: after a pause one is asked, and its answer opens the gate for all.

import { expect, test } from 'vitest';
import { pauseGate, readStrikes } from '../../src/queue/gates.ts';
import { askAlone } from '../../src/runner/host-gates.ts';
import { addProjectRow, describeDatabases } from '../support/database.ts';

const HOST = 'host:github.com';

describeDatabases('askAlone()', (db) => {
  const halfOpen = () =>
    pauseGate(db(), { key: HOST, pauseMs: 1_000, reason: 'offline', now: Date.now() - 60_000 });

  test('asks freely while nothing was paused, and of no project that is gone', async () => {
    const blog = await addProjectRow(db(), 'blog');
    expect(await askAlone(db(), blog, async () => 'tips')).toBe('tips');
    expect(await askAlone(db(), 'gone' as typeof blog, async () => 'tips')).toBe(null);
  });

  test('after a pause asks once at a time; the answer opens the gate', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const ids = [];
    for (const name of names) ids.push(await addProjectRow(db(), name));
    await halfOpen();
    const asked: string[] = [];
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const ask = (name: string) => async () => {
      asked.push(name);
      await answered;
      return name;
    };
    const all = Promise.all(ids.map((id) => askAlone(db(), id, ask(id))));
    const others = all.then((answers) => answers.filter((one) => one === null));
    while (asked.length === 0) await db().run('SELECT 1');
    answer();
    expect(await others).toHaveLength(3);
    expect(asked).toHaveLength(1);
    expect(await readStrikes(db(), HOST)).toBe(0);
    expect(await Promise.all(ids.map((id) => askAlone(db(), id, async () => id)))).toEqual(ids);
  });

  test('a question that fails leaves the gate half open for the next one', async () => {
    const blog = await addProjectRow(db(), 'blog');
    await halfOpen();
    const failing = askAlone(db(), blog, () => Promise.reject(new Error('still away')));
    await expect(failing).rejects.toThrow('still away');
    expect(await readStrikes(db(), HOST)).toBe(1);
    expect(await askAlone(db(), blog, async () => 'tips')).toBe('tips');
  });
});
