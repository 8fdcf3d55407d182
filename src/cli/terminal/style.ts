// Colours, for a person at a terminal who has not asked for none (NO_COLOR, or TERM=dumb).

import type { Host } from '../../host/types.ts';

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;
export type Tone = keyof typeof CODES | 'plain';
export type Paint = (tone: Tone, text: string) => string;

export function paintFor({ env, terminal }: Pick<Host, 'env' | 'terminal'>): Paint {
  const inColour = terminal.out && !env.NO_COLOR && env.TERM !== 'dumb';
  return (tone, text) => {
    if (!inColour || tone === 'plain' || text === '') return text;
    const [begin, end] = CODES[tone];
    return `\u001B[${begin}m${text}\u001B[${end}m`;
  };
}

/** What came from outside (names of files, texts of hosts) must not steer the terminal. */
export function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (sign) => (sign === '\n' || sign === '\t' ? sign : '\uFFFD'));
}
