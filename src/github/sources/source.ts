// What every place that may hold a credential answers. The chain asks one after the other.

export type CredentialSourceName =
  | 'SYNC_TOKENS'
  | 'environment'
  | 'secret-file'
  | 'app'
  | 'keyring'
  | 'gh'
  | 'git'
  | 'file';

export type FoundCredential = {
  source: CredentialSourceName;
  /** The variable, file or program it came from; never the secret. */
  from: string;
  username: string;
  token: string;
  /** Epoch milliseconds, where the source knows it. */
  expiresAt?: number;
  /** It is renewed by itself, until this instant; null: nobody says until when. Left out: it is not. */
  renewedUntil?: number | null;
};

export type CredentialSource = {
  /** The credential with exactly this key, or null. @throws Failure `credential-unreadable`, `invalid-config` */
  find(key: string): Promise<FoundCredential | null>;
  /** Keys that are known without asking anybody for a secret. */
  keys(): Promise<string[]>;
  /** The host refused `used`, which was found: whether another one may be had now, made anew or by somebody meanwhile. */
  renew?(key: string, used: string): Promise<boolean>;
};

/** GitHub takes any name beside a token; this one also works for its apps. */
export const TOKEN_USERNAME = 'x-access-token';
// What a header can carry: no blanks, no control characters.
const TOKEN = /^[\x21-\x7e]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
