// Reads what is piped into a command. Node and Deno give it alike.

import process from 'node:process';

const MOST_BYTES = 64 * 1024;

/** All of it as text, at most 64 KiB. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length >= MOST_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MOST_BYTES);
}
