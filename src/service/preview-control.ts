// What adding a folder would upload, for a person to look at before anything leaves the machine.

import { previewFolder, previewUpload } from '../git/preview/preview-upload.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import { Failure } from '../model/failure.ts';
import type { UploadPreview } from '../model/github.ts';
import { mergePatch } from '../model/merge-patch.ts';
import { GithubConfigSchema } from '../model/project-config.ts';
import type { Service } from '../model/service.ts';
import { findSettings } from '../projects/settings-home.ts';
import { requireUnderRoots } from '../projects/under-roots.ts';
import { requireNamedFolder } from './named-folder.ts';

/** Everything is read for it; a folder that takes longer is not shown. */
const LONGEST_MS = 60_000;
/** What a list of folders may take for all of them. */
const LIST_MS = 10_000;

type Ports = { sync: SyncPorts; roots(): readonly string[] };

export function createPreviewControl({
  sync,
  roots,
}: Ports): Pick<Service, 'previewProject' | 'previewFolders'> {
  return {
    async previewProject({ path, github = {}, onlyUnderRoots = false }) {
      if (onlyUnderRoots) await requireUnderRoots(path, roots());
      await requireNamedFolder(path);
      const limit = timeLimit(sync, LONGEST_MS, path);
      try {
        const settings = await findSettings(path);
        const merged = GithubConfigSchema.parse(mergePatch(settings.github ?? {}, github));
        return await preview(path, merged, limit.signal, sync);
      } finally {
        limit.stop();
      }
    },
    async previewFolders(paths) {
      const found = new Map<string, UploadPreview | null>();
      const limit = timeLimit(sync, LIST_MS, 'the folders');
      try {
        for (const path of paths) found.set(path, await quietly(path, limit.signal, sync));
      } finally {
        limit.stop();
      }
      return found;
    },
  };
}

/** Null for what is broken, or what there was no time for: it is listed all the same. */
async function quietly(path: string, signal: AbortSignal, sync: SyncPorts): Promise<UploadPreview | null> {
  if (signal.aborted) return null;
  try {
    const { github } = await findSettings(path);
    return await preview(path, GithubConfigSchema.parse(github ?? {}), signal, sync);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

async function preview(
  worktree: string,
  github: Parameters<typeof previewUpload>[0]['github'],
  signal: AbortSignal,
  sync: SyncPorts,
): Promise<UploadPreview> {
  const input = { worktree, github, signal };
  try {
    return await previewUpload(input, sync);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not-a-repository') throw error;
    return previewFolder(input, sync);
  }
}

function timeLimit({ clock }: Pick<SyncPorts, 'clock'>, ms: number, what: string) {
  const controller = new AbortController();
  const stop = clock.timer(ms, () => {
    const detail = `Looking through ${what} took longer than ${ms / 1000} s.`;
    controller.abort(new Failure('job-timeout', detail));
  });
  return { signal: controller.signal, stop };
}
