// The demo's three projects: notes, a small web site, a program. Each edit is a save like a person's.

import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { GitHost } from './git-host.ts';

const run = promisify(execFile);

export type DemoProject = {
  name: string;
  path: string;
  remotePath: string;
  /** Saves one change; answers what a person would call it. */
  edit(): Promise<string>;
  /** Whether this tip of the remote's main holds the latest save. */
  hasArrived(tip: string | null): boolean;
};

const FILES: Record<string, Record<string, string>> = {
  notes: { 'todo.md': '# To do\n\n- [ ] buy milk\n', 'ideas/2026.md': '# Ideas\n' },
  website: {
    'index.html': '<!doctype html>\n<title>Hello</title>\n',
    'style.css': 'body { margin: 2rem }\n',
  },
  tool: {
    'src/main.js': 'console.log("hello");\n',
    'README.md': '# tool\n',
    '.gitignore': 'node_modules/\n',
  },
};

/** GitHub asks for at most six pushes a minute and repository, so 10 s apart; the demo's own server does not mind. */
const SETTINGS = `${JSON.stringify(
  { version: 2, github: { enabled: true, syncBranches: ['main'], schedule: { minIntervalMs: 0 } } },
  null,
  2,
)}\n`;

export async function createDemoProjects(folder: string, server: GitHost): Promise<DemoProject[]> {
  const projects: DemoProject[] = [];
  for (const [name, files] of Object.entries(FILES)) {
    const remote = await server.createRepo(name);
    projects.push(await createProject({ name, files, path: join(folder, name), remote }));
  }
  return projects;
}

type Seed = {
  name: string;
  files: Record<string, string>;
  path: string;
  remote: { url: string; path: string };
};

async function createProject({ name, files, path, remote }: Seed): Promise<DemoProject> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: path })).stdout.trim();
  await mkdir(path, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Demo');
  await git('config', 'user.email', 'demo@example.com');
  await git('remote', 'add', 'origin', remote.url);
  for (const [file, text] of Object.entries(files)) await save(join(path, file), text);
  await save(join(path, 'project.json'), SETTINGS);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Begin');
  const names = Object.keys(files);
  let turn = 0;
  let before: string | null = null;
  return {
    name,
    path,
    remotePath: remote.path,
    async edit() {
      const file = names[turn % names.length] as string;
      turn++;
      before = await git('rev-parse', 'HEAD');
      const text = await readFile(join(path, file), 'utf8');
      await save(join(path, file), `${text}${commentFor(file, turn)}\n`);
      return `saved ${file}`;
    },
    hasArrived: (tip) => tip !== null && tip !== before,
  };
}

/** As editors save: a new file beside the old one, renamed over it. */
async function save(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const aside = `${path}.new~`;
  await writeFile(aside, text);
  await rename(aside, path);
}

function commentFor(file: string, turn: number): string {
  if (file.endsWith('.html')) return `<!-- edit ${turn} -->`;
  if (file.endsWith('.css')) return `/* edit ${turn} */`;
  return file.endsWith('.js') ? `// edit ${turn}` : `- edit ${turn}`;
}
