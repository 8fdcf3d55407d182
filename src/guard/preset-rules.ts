// The rules of secretlint's recommended preset, run in a context of our own instead of @secretlint/core:
// core's profiler keeps every mark it ever set and searches them all for each rule (1,000 small files take 7 s,
// the next 1,000 take 34 s), and its filter lets a file silence the scan by a comment.

import type { SecretLintRuleContext as RuleContext } from '@secretlint/types';
import { isExampleUrl } from './placeholder.ts';

type Preset = typeof import('@secretlint/secretlint-rule-preset-recommend');
type Rule = Preset['rules'][number];
type RuleSource = Parameters<NonNullable<ReturnType<Rule['create']>['file']>>[0];

/** `index` is the offset of the match in the text. */
type PresetMatch = { readonly rule: string; readonly index: number };
export type PresetScan = (text: string) => PresetMatch[];

const SKIPPED_RULES = new Set([
  // Lets a comment in the file switch the scan off.
  '@secretlint/secretlint-rule-filter-comments',
  // Reads files from disk; the key inside is found by our own private-key pattern.
  '@secretlint/secretlint-rule-gcp',
  // Misses elliptic curve, Ed25519 and PGP keys; ours finds them all.
  '@secretlint/secretlint-rule-privatekey',
]);

/** Amazon does not count account numbers as secrets, and any twelve digits look like one. */
const SKIPPED_MESSAGES = new Set(['AWSAccountID']);
const URL_MESSAGES = new Set(['BasicAuth', 'MongoDBConnection', 'MySQLConnection', 'PostgreSQLConnection']);

/** Loads the preset (about 50 ms, the first time only) and answers a function that finds its matches in a text. */
export async function loadPresetScan(): Promise<PresetScan> {
  const { rules } = await import('@secretlint/secretlint-rule-preset-recommend');
  let text = '';
  let matches: PresetMatch[] = [];
  const handlers = rules
    .filter((rule) => !SKIPPED_RULES.has(rule.meta.id))
    .map((rule) => {
      const report: RuleContext['report'] = ({ message, range }) => {
        const [start, end] = range;
        if (SKIPPED_MESSAGES.has(message.messageId)) return;
        if (URL_MESSAGES.has(message.messageId) && isExampleUrl(text.slice(start, end))) return;
        matches.push({ rule: ruleName(rule.meta.id, message.messageId), index: start });
      };
      return rule.create(ruleContext(report), { enableIDScanRule: true });
    });
  return (content) => {
    text = content;
    matches = [];
    // The rules that are kept read nothing but the content; without a path they look for everything they know.
    const source = { content, filePath: undefined, contentType: 'text', ext: '' } as RuleSource;
    for (const handler of handlers) {
      // `text` and `matches` are shared: two scans that took turns would lose findings.
      if (handler.file?.(source) instanceof Promise) throw new Error('A rule of the preset answers later.');
    }
    return matches;
  };
}

/** Messages are reduced to their id: the rules would put the secret itself into the text. */
function ruleContext(report: RuleContext['report']): RuleContext {
  return {
    sharedOptions: {},
    createTranslator: () => (messageId) => ({
      message: String(messageId),
      messageId: String(messageId),
      data: undefined,
    }),
    report,
    ignore: () => undefined,
  };
}

/** `@secretlint/secretlint-rule-aws`, `AWSAccessKeyID` → `aws/access-key-id`. */
function ruleName(ruleId: string, messageId: string): string {
  const family = ruleId.replace('@secretlint/secretlint-rule-', '');
  const words = messageId
    .replace(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3-$2$4')
    .replaceAll('_', '-')
    .toLowerCase();
  return `${family}/${words.startsWith(`${family}-`) ? words.slice(family.length + 1) : words}`;
}
