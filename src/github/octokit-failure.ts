// What Octokit throws as a failure: an answer that is no success, or no answer at all.

import { networkFailure } from '../host/network-failure.ts';
import type { Failure } from '../model/failure.ts';
import { refusalFailure } from './answer-failures.ts';

export type OctokitAnswer = { status: number; headers: Record<string, unknown>; data: unknown };

type Asked = { apiUrl: string; hasToken: boolean; now: number };

/** The answer in an error of Octokit; null when there was none. */
export function answerOf(error: unknown): OctokitAnswer | null {
  if (!(error instanceof Error) || !('response' in error)) return null;
  return (error.response as OctokitAnswer | undefined) ?? null;
}

export function octokitFailure(error: unknown, { apiUrl, hasToken, now }: Asked): Failure {
  const apiHost = new URL(apiUrl).host;
  const response = answerOf(error);
  if (response === null) return networkFailure(error, apiHost);
  return refusalFailure({
    apiHost,
    status: response.status,
    headers: headersOf(response.headers),
    message: error instanceof Error ? error.message : '',
    ...{ hasToken, now },
  });
}

export function headersOf(plain: Record<string, unknown>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(plain))
    if (value !== undefined) headers.set(name, String(value));
  return headers;
}
