// Completes package-lock.json after `npm install` in a place whose registry serves one platform only: npm then
// leaves out the optional packages of the other platforms, and `npm ci` refuses the file everywhere.
// Names say which system and processor a package is for; versions are those that its parent asks for.

import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const { packages } = lock;
let added = 0;
for (const [parent, entry] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isThere(parent, name)) continue;
    const words = name.replace(/^@[^/]+\//, '').split(/[-_.]/);
    const os = SYSTEMS.filter(
      (system) => words.includes(system) || (system === 'android' && words.includes('androideabi')),
    );
    const cpu = PROCESSORS.filter(
      (processor) => words.includes(processor) || (processor === 'ppc64' && words.includes('ppc64le')),
    );
    if (os.length === 0 && cpu.length === 0)
      throw new Error(`${name} does not say which platform it is for.`);
    packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~=]/, ''),
      ...(cpu.length > 0 && { cpu }),
      ...(entry.dev && { dev: true }),
      optional: true,
      ...(os.length > 0 && { os }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added.`);

/** As node resolves: in the parent's own node_modules, then further out. */
function isThere(parent, name) {
  for (let at = parent; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}
