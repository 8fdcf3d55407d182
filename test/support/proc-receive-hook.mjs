// Git's proc-receive hook: answers a push with the `ng` reason and the text that refusals.json in the
// repository names, as GitHub words them. Refs that no refusal names go on to git's ordinary update.
import fs from 'node:fs';

const refusals = JSON.parse(fs.readFileSync('refusals.json', 'utf8'));
let pending = Buffer.alloc(0);

function take(length) {
  while (pending.length < length) {
    const chunk = Buffer.alloc(65536);
    const count = fs.readSync(0, chunk);
    if (count === 0) throw new Error('receive-pack closed the pipe');
    pending = Buffer.concat([pending, chunk.subarray(0, count)]);
  }
  const bytes = pending.subarray(0, length);
  pending = pending.subarray(length);
  return bytes;
}

function readPacket() {
  const length = Number.parseInt(take(4).toString('latin1'), 16);
  return length === 0
    ? null
    : take(length - 4)
        .toString('utf8')
        .replace(/\n$/, '');
}

function writePacket(text) {
  const length = (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0');
  fs.writeSync(1, length + text);
}

readPacket(); // version and capabilities
readPacket(); // flush
writePacket('version=1\0');
fs.writeSync(1, '0000');

const refs = [];
for (let line = readPacket(); line !== null; line = readPacket()) refs.push(line.split(' ')[2]);

for (const ref of refs) {
  const refusal = refusals.find((each) => each.ref === undefined || each.ref === ref);
  if (refusal) {
    fs.writeSync(2, refusal.message);
    writePacket(`ng ${ref} ${refusal.reason}`);
  } else {
    writePacket(`ok ${ref}`);
    writePacket('option fall-through');
  }
}
fs.writeSync(1, '0000');
