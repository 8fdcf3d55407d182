// What shells complete. Each shell that is on this machine is asked itself.

import { execFile, execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonOf, runCli } from './run-cli.ts';

const run = promisify(execFile);
let folder: string;

function has(program: string): boolean {
  try {
    execFileSync(program, ['-c', 'exit 0']);
    return true;
  } catch {
    return false;
  }
}
const absent = ['bash', 'zsh', 'fish'].filter((shell) => !has(shell));
if (absent.length > 0)
  console.warn(`SKIPPED: there is no ${absent.join(', no ')} here; what they complete is not tested.`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-completion-'));
  // The shells ask it for the ids of projects.
  await writeFile(
    join(folder, 'gitferry'),
    '#!/bin/sh\n[ "$1 $2" = "list --ids" ] && printf "blog\\nnotes\\n"\n',
  );
  await chmod(join(folder, 'gitferry'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const ran = await runCli(['completion', shell]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    await writeFile(join(folder, shell), ran.out);
  }
  await writeFile(
    join(folder, '.zshrc'),
    `PS1=; fpath=(${folder}/functions $fpath); autoload -Uz compinit; compinit -u -d ${folder}/dump
show() { print -r -- "line<$BUFFER>line" }; zle -N show; bindkey '^X' show\n`,
  );
  await mkdir(join(folder, 'functions'));
  await cp(join(folder, 'zsh'), join(folder, 'functions', '_gitferry'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const env = () => ({ ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` });

/** What bash offers for the last of these words. */
async function bash(...words: string[]): Promise<string[]> {
  const script = `source ${join(folder, 'bash')}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    _gitferry; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script], { env: env(), cwd: folder });
  return stdout.split('\n').filter((line) => line !== '');
}

test.runIf(has('bash'))('bash completes commands, subcommands, options and projects', async () => {
  expect(await bash('gitferry', 'sta')).toEqual(['start', 'status']);
  expect(await bash('gitferry', 'hold', '')).toEqual(expect.arrayContaining(['list', 'release']));
  expect(await bash('gitferry', 'sync', '--wa')).toEqual(['--wait']);
  expect(await bash('gitferry', 'sync', 'b')).toEqual(['blog']);
  expect(await bash('gitferry', 'hold', 'release', 'n')).toEqual(['notes']);
  expect(await bash('gitferry', 'status', '--db', 'zs')).toEqual(['zsh']);
});

/** What a zsh at a terminal makes of the line when Tab is pressed; the script is where the documents put it. */
async function zsh(line: string): Promise<string> {
  const script = `zmodload zsh/zpty
    zpty shell 'zsh -i'
    zpty -w -n shell ${quoted(line)}$'\\t\\C-X'
    zpty -r -m shell answer '*line<*>line*'
    print -r -- "$answer"
    zpty -d shell`;
  const { stdout } = await run('zsh', ['-f', '-c', script], { env: { ...env(), ZDOTDIR: folder } });
  return /line<([^>]*)>line\s*$/.exec(stdout)?.[1]?.trimEnd() ?? stdout;
}
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

test.runIf(has('zsh'))('zsh completes commands, subcommands, options and projects', async () => {
  expect(await zsh('gitferry sy')).toBe('gitferry sync');
  expect(await zsh('gitferry hold rel')).toBe('gitferry hold release');
  expect(await zsh('gitferry sync --wa')).toBe('gitferry sync --wait');
  expect(await zsh('gitferry sync b')).toBe('gitferry sync blog');
  expect(await zsh('gitferry hold release n')).toBe('gitferry hold release notes');
});

test.runIf(has('zsh'))('zsh takes the script from a start-up file too', async () => {
  await run('zsh', ['-n', join(folder, 'zsh')]);
  const script = `autoload -Uz compinit; compinit -u -d ${join(folder, 'dump')}; source ${join(folder, 'zsh')}; echo $_comps[gitferry]`;
  expect((await run('zsh', ['-f', '-c', script], { env: env() })).stdout).toBe('_gitferry\n');
});

test.runIf(has('fish'))('fish completes commands, options and projects', async () => {
  const ask = async (line: string) => {
    const script = `source ${join(folder, 'fish')}; complete -C '${line}'`;
    const { stdout } = await run('fish', ['--no-config', '-c', script], { env: env() });
    return stdout.split('\n').map((each) => each.split('\t')[0]);
  };
  expect(await ask('gitferry sta')).toEqual(expect.arrayContaining(['start', 'status']));
  expect(await ask('gitferry sync --wa')).toContain('--wait');
  expect(await ask('gitferry sync b')).toContain('blog');
});

test('each shell is told every command and option', async () => {
  const { commands } = jsonOf(await runCli(['completion', 'bash', '--json']));
  expect(commands.length).toBeGreaterThan(25);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { out } = await runCli(['completion', shell]);
    for (const { words, options } of commands) {
      expect(out, shell).toContain(words.join(' '));
      for (const { flag } of options) expect(out, shell).toContain(flag.replace(/^--/, ''));
    }
  }
});

test('a shell that there is not ends with 2', async () => {
  const ran = await runCli(['completion', 'tcsh']);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain('bash, zsh, fish');
});
