// Threads of this process, on Node and on Deno, from TypeScript sources as well as from built JavaScript.
// Knows nothing of what the threads do.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** A thread's memory for JavaScript objects; one that needs more ends, and the process goes on. */
const MOST_HEAP_MB = 512;

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

/** Starts a thread; it does not keep the process alive until it is held. */
export function startThread({ module, callerUrl, data, onMessage, onEnd }: ThreadInput): Thread {
  const extension = /\.[jt]s$/.exec(new URL(callerUrl).pathname)?.[0] ?? '.js';
  const worker = new Worker(new URL(`${module}${extension}`, callerUrl), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
    ...(isDeno() ? {} : { execArgv: loaderFor(extension) }),
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
  return process.versions['deno'] !== undefined;
}

/** Older Node needs tsx to run TypeScript; built code needs nothing, nor the options of the process. */
function loaderFor(extension: string): string[] {
  const features = process.features as { typescript?: unknown };
  if (extension !== '.ts' || features.typescript) return [];
  const tsx = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(tsx).href];
}
