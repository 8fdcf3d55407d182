// Moves the checked-out branch to another commit, work tree and index with it. The order:
//   1. look, without a lock, whether every file that differs may be touched
//   2. index.lock (no git command changes the index from here on); look again; note in the journal what is under way
//   3. files: deletions, then new contents, each looked at again directly before its rename
//   4. the new index into index.lock, HEAD.lock and the branch's lock, the branch moves, reflogs, the index moves
//   5. the journal goes
// Cut off in 3, files hold old or new contents whole; finish-move.ts goes on from the journal. A fault takes back
// what was written.

import { mkdir, rm } from 'node:fs/promises';
import type { Clock, Random } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/config-values.ts';
import type { IndexFile } from '../index/index-file.ts';
import type { IndexChange } from '../index/index-write.ts';
import { diffTrees, type TreeDifference } from '../objects/trees.ts';
import { readHead } from '../refs/refs.ts';
import type { FileStat, ObjectStore, Repository } from '../types.ts';
import { filesOf, isRule, look, temporaryFolder } from './places.ts';
import { takeBack } from './take-back.ts';
import { type FilesInput, placeFile, removeFile, toFileStat, UNKNOWN_STAT } from './update-files.ts';
import { removeJournal, writeJournal } from './update-journal.ts';
import type { Step } from './update-steps.ts';
import { builtinTools, type WorkTreeTools } from './work-tree-tools.ts';

export type MoveInput = {
  repo: Repository;
  objects: ObjectStore;
  /** The branch that HEAD is on, with `refs/heads/`. */
  ref: string;
  from: string | null;
  to: string;
  reflog: { message: string; who: string };
  config: GitConfig;
  /** Left out: the built-in engine's. */
  tools?: WorkTreeTools | undefined;
  /** Of a move that a kill cut off: what its journal says was there before. */
  kept?: readonly string[] | undefined;
  clock: Clock;
  random: Random;
  fsync: boolean;
  /** Heeded until the branch moves; then the move is brought to its end. */
  signal: AbortSignal;
  /** Called at named steps, so that tests can stop or interfere there. */
  faultPoint?: ((name: string) => void | Promise<void>) | undefined;
};

/**
 * Answers how many files differ.
 * @throws Failure `integrate-blocked-by-local-changes`, `remote-path-unsafe`, `needs-system-git` (nothing has changed
 *   then), `ref-moved`, `index-busy`, `merge-in-progress` and its kin, `disk-full`, `write-refused`, `aborted`
 */
export async function moveBranch(input: MoveInput): Promise<number> {
  const { repo, from, to, clock, random, fsync, signal } = input;
  const tools = input.tools ?? builtinTools(input);
  const differences = await differencesOf(tools.objects, from, to);
  await tools.refuse(differences);
  await look(differences, { ...input, tools });
  const update = new Update({ ...input, tools });
  try {
    const moved = await tools.publish({
      repo,
      head: { ref: input.ref, oid: from },
      oid: to,
      changes: (index) => update.run(differences, index),
      reflog: input.reflog,
      wait: { clock, random, signal },
      fsync,
      faultPoint: async (name) => input.faultPoint?.(name),
    });
    if (!moved) throw new Failure('ref-moved', `${input.ref} moved while the remote changes came in.`);
  } catch (error) {
    const head = await readHead(repo);
    if (head.oid !== to) await update.takeBack();
    // What an earlier run began is still half done, though this one did nothing: its journal is needed.
    const isResumed = input.kept !== undefined;
    if (head.oid === to || (update.isEmpty && !isResumed)) await update.close();
    throw error;
  }
  await update.close();
  await input.faultPoint?.('journal-removed');
  return differences.length;
}

export async function differencesOf(
  objects: ObjectStore,
  from: string | null,
  to: string,
): Promise<TreeDifference[]> {
  const differences: TreeDifference[] = [];
  const before = from === null ? null : (await objects.readCommit(from)).tree;
  for await (const each of diffTrees(objects, before, (await objects.readCommit(to)).tree)) {
    differences.push(each);
  }
  return differences;
}

/** The work tree's part: what was done so far, so that it can be taken back. */
class Update {
  readonly #input: MoveInput & { tools: WorkTreeTools };
  readonly #temporary: string;
  /** Steps that were carried out, in their order, with the stat that they led to. */
  readonly #carriedOut: { step: Step; stat: FileStat | null }[] = [];

  constructor(input: MoveInput & { tools: WorkTreeTools }) {
    this.#input = input;
    this.#temporary = temporaryFolder(input.repo);
  }

  /** Nothing in the work tree is other than it was. */
  get isEmpty(): boolean {
    return this.#carriedOut.length === 0;
  }

  /** Called under the index's lock; answers the entries of the new index. */
  async run(differences: readonly TreeDifference[], index: IndexFile): Promise<IndexChange[]> {
    const { repo, ref, from, to, reflog, fsync, faultPoint, tools } = this.#input;
    const steps = await look(differences, this.#input, index);
    const kept = [...(this.#input.kept ?? pathsDone(steps))];
    await writeJournal(repo, { ref, from, to, kept, message: reflog.message, by: tools.name }, fsync);
    await mkdir(this.#temporary, { recursive: true });
    await faultPoint?.('journal-written');
    const none = await filesOf([], this.#input);
    for (const step of deepestFirst(steps)) await this.#carryOut(step, none);
    const placed = steps.filter(({ after }) => after !== null);
    // How the others are written may depend on what the rules say by then.
    for (const part of [placed.filter(isRule), placed.filter((step) => !isRule(step))]) {
      const files = await filesOf(part, this.#input);
      for (const step of part) await this.#carryOut(step, files);
    }
    await faultPoint?.('files-written');
    const stats = new Map(this.#carriedOut.map(({ step, stat }) => [step.path, stat]));
    return steps.map(({ path, after, stats: found }): IndexChange => {
      if (after === null) return { path, entry: null };
      const stat = stats.get(path) ?? (found === null ? UNKNOWN_STAT : toFileStat(found));
      return { path, entry: { mode: after.mode, oid: after.oid, stat } };
    });
  }

  async #carryOut(step: Step, files: FilesInput): Promise<void> {
    const { signal, faultPoint } = this.#input;
    if (step.state !== 'to-do') return;
    signal.throwIfAborted();
    if (step.after === null) {
      await removeFile(files, step);
      this.#carriedOut.push({ step, stat: null });
      await faultPoint?.('file-removed');
    } else {
      const stat = await placeFile(files, step, step.after);
      this.#carriedOut.push({ step, stat });
      await faultPoint?.('file-placed');
    }
  }

  async takeBack(): Promise<void> {
    await takeBack(
      this.#input,
      this.#carriedOut.splice(0).map(({ step }) => step),
    );
  }

  async close(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    await removeJournal(this.#input.repo);
  }
}

function pathsDone(steps: readonly Step[]): string[] {
  return steps.filter(({ state }) => state === 'done').map(({ path }) => path);
}

/** What lies in a folder goes before what the folder makes way for. */
function deepestFirst(steps: readonly Step[]): Step[] {
  return steps.filter(({ after }) => after === null).reverse();
}
