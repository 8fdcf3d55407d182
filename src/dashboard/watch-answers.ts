// A frozen service keeps its sockets open: only answers prove that it lives.

import type { Browser } from './browser.ts';

const ASK_EVERY_MS = 5_000;
const ANSWER_LIMIT_MS = 10_000;

type Watch = { browser: Browser; ask: () => Promise<unknown>; onSilence: () => void };

/** Asks again and again; calls `onSilence` once, when an answer is a failure or does not come. Answers how to stop. */
export function watchAnswers({ browser, ask, onSilence }: Watch): () => void {
  let over = false;
  let cancel = () => {};
  const end = () => {
    if (over) return;
    over = true;
    cancel();
    onSilence();
  };
  const askOnce = () => {
    cancel = browser.timer(ANSWER_LIMIT_MS, end);
    ask().then(() => {
      cancel();
      if (!over) cancel = browser.timer(ASK_EVERY_MS, askOnce);
    }, end);
  };
  cancel = browser.timer(ASK_EVERY_MS, askOnce);
  return () => {
    over = true;
    cancel();
  };
}
