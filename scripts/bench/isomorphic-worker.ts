// Plain isomorphic-git as a process of its own: on each message it adds one file, commits and pushes.

import fs from 'node:fs';
import process from 'node:process';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';

const author = { name: 'Ada Author', email: 'ada@example.com' };

process.on('message', ({ dir, filepath }: { dir: string; filepath: string }) => {
  (async () => {
    await git.add({ fs, dir, filepath });
    await git.commit({ fs, dir, message: 'Update a file', author });
    await git.push({ fs, http, dir, remote: 'origin', ref: 'main' });
    process.send?.('done');
  })().catch((error: unknown) => {
    process.send?.(`failed: ${String(error)}`);
  });
});
process.send?.('ready');
