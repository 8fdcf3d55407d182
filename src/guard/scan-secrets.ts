// Searches one content for secrets: the preset of secretlint, our own patterns, assigned passwords.
// Answers the first finding only, since one is enough to hold a file; it never carries the secret itself.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Content } from '../model/content.ts';
import { findAssignedSecret } from './assigned-secrets.ts';
import { loadPresetScan, type PresetScan } from './preset-rules.ts';
import type { SecretFinding } from './secret-cache.ts';
import { NPMRC_PATTERN, SECRET_PATTERNS, type SecretPattern } from './secret-patterns.ts';
import { countLines, type TextWindow, textWindows } from './text-windows.ts';

/** How a file is read: the same content can be harmless in one kind and a secret in another. */
export type ContentKind = 'npm-settings' | 'settings' | 'any';

/** @throws the signal's reason when it is aborted */
export type ScanSecrets = (
  content: Content,
  kind: ContentKind,
  signal: AbortSignal,
) => Promise<SecretFinding | null>;

type Match = { readonly rule: string; readonly index: number };

/** Names of settings files: there a short password counts too. */
export function contentKind(path: string): ContentKind {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (name.endsWith('.npmrc')) return 'npm-settings';
  return /^\.(?:env|envrc|flaskenv)$|\.env$/.test(name) ? 'settings' : 'any';
}

/** Prepares the rules. Lets the event loop turn between two windows of a content and between two contents. */
export async function createSecretScan(): Promise<ScanSecrets> {
  const presetScan = await loadPresetScan();
  return async (content, kind, signal) => {
    for await (const window of textWindows(content)) {
      signal.throwIfAborted();
      const first = firstMatch(window, kind, presetScan);
      if (first) return { rule: first.rule, line: window.line + countLines(window.text, first.index) };
      await nextTurn();
    }
    return null;
  };
}

function firstMatch(window: TextWindow, kind: ContentKind, presetScan: PresetScan): Match | null {
  const { text, from } = window;
  const found: Match[] = presetScan(text).filter((match) => match.index >= from);
  const patterns = kind === 'npm-settings' ? [...SECRET_PATTERNS, NPMRC_PATTERN] : SECRET_PATTERNS;
  for (const pattern of patterns) {
    const index = findPattern(text, from, pattern);
    if (index !== null) found.push({ rule: pattern.rule, index });
  }
  const assigned = findAssignedSecret(text, from, kind === 'settings' ? 'settings-file' : 'any-file');
  if (assigned !== null) found.push({ rule: 'assigned-secret', index: assigned });
  return found.reduce<Match | null>(
    (first, next) => (first && first.index <= next.index ? first : next),
    null,
  );
}

function findPattern(text: string, from: number, { pattern, isReal }: SecretPattern): number | null {
  for (const match of text.matchAll(pattern)) {
    if (match.index >= from && (!isReal || isReal(match[0]))) return match.index;
  }
  return null;
}
