// Threads of this process, on Node and on Deno, from TypeScript sources as well as from built JavaScript.
// Knows nothing of what the threads do.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker, type WorkerOptions, workerData } from 'node:worker_threads';

/** A thread's memory for JavaScript objects; one that needs more ends, and the process goes on. */
const MOST_HEAP_MB = 512;
/** Where new objects begin, as the runtime's own default takes three times as much of the machine for each thread. */
const YOUNG_HEAP_MB = 16;

export type Thread = {
  post(message: unknown): void;
  /** While held, the thread keeps the process alive. */
  hold(): void;
  letGo(): void;
  /** Resolves when it has ended; `onEnd` is not called then. */
  end(): Promise<void>;
};

export type ThreadInput = {
  /** A module beside the caller, named without its extension: the caller's own is added. */
  module: string;
  /** `import.meta.url` of the caller. */
  callerUrl: string;
  data: unknown;
  onMessage(message: unknown): void;
  /** The thread ended by itself: a crash. Called once. */
  onEnd(cause: Error): void;
};

/** How many threads can run at once here. */
export const threadsWorthHaving = (): number => availableParallelism();

/** Starts a thread; it does not keep the process alive until it is held. */
export function startThread({ module, callerUrl, data, onMessage, onEnd }: ThreadInput): Thread {
  const extension = /\.[jt]s$/.exec(new URL(callerUrl).pathname)?.[0] ?? '.js';
  const worker = startWorker(new URL(`${module}${extension}`, callerUrl), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
  });
  let isOver = false;
  const over = (cause: Error) => {
    if (isOver) return;
    isOver = true;
    onEnd(cause);
  };
  worker.on('message', onMessage);
  worker.on('messageerror', over);
  worker.on('error', (error) => over(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => over(new Error(`The thread ended with exit code ${code}.`)));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    hold: () => worker.ref(),
    letGo: () => worker.unref(),
    async end() {
      isOver = true;
      await worker.terminate();
    },
  };
}

/** The other end, within a thread. */
export function threadSide(): {
  data: unknown;
  post(message: unknown): void;
  onMessage(take: (message: unknown) => void): void;
} {
  const port = parentPort;
  if (port === null) throw new Error('This module runs in a worker thread only.');
  return {
    data: workerData,
    post: (message) => port.postMessage(message),
    onMessage: (take) => port.on('message', take),
  };
}

function isDeno(): boolean {
  return process.versions.deno !== undefined;
}

/** Threads do not inherit the options of the process: built code and Deno need none of them. */
function startWorker(file: URL, options: WorkerOptions): Worker {
  if (isDeno()) return new Worker(file, options);
  const { typescript } = process.features as { typescript?: unknown };
  if (!file.pathname.endsWith('.ts') || typescript) return new Worker(file, { ...options, execArgv: [] });
  // Older Node runs TypeScript with tsx, which `--import` switches on in the main thread only.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx'));
  const api = JSON.stringify(new URL('./esm/api/index.mjs', tsx).href);
  const code = `import(${api}).then((tsx) => { tsx.register(); return import(${JSON.stringify(file.href)}); });`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}
