// Asks the REST API and turns its problem answers into one error. Knows no view and keeps no data.

import type { Problem } from '../http/schemas/common.ts';
import type { Browser } from './browser.ts';

/** `status` 0: no answer came. `faults` are the values that cannot be used, by path. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly action: string;
  readonly faults: readonly { path: string; message: string }[];

  constructor(status: number, problem: Pick<Problem, 'detail' | 'action' | 'errors'> & { code: string }) {
    super(problem.detail);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code;
    this.action = problem.action;
    this.faults = problem.errors ?? [];
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Query = Record<string, string | number | undefined>;

export type Api = {
  get<T>(path: string, query?: Query): Promise<T>;
  send<T>(method: Method, path: string, body?: unknown): Promise<T>;
};

const ANSWER_LIMIT_MS = 60_000;

/** `onUnauthorized` is called when the API wants a token that it did not get. @throws ApiError from every call */
export function createApi(browser: Browser, onUnauthorized: () => void): Api {
  async function ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const token = browser.readToken();
    const stop = new AbortController();
    const cancel = browser.timer(ANSWER_LIMIT_MS, () => stop.abort());
    try {
      const response = await browser.fetch(path, {
        method,
        signal: stop.signal,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const answer = await response.json();
      if (response.ok) return answer as T;
      if (response.status === 401) onUnauthorized();
      throw new ApiError(response.status, answer as Problem);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new ApiError(0, {
        code: 'no-answer',
        detail: 'The service does not answer.',
        action: 'See whether it runs.',
      });
    } finally {
      cancel();
    }
  }
  return {
    get: (path, query = {}) => ask('GET', withQuery(path, query)),
    send: (method, path, body) => ask(method, path, body),
  };
}

export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

/** Every page of a list, up to `most` entries; `cut` says that there are more. */
export async function getAll<Key extends string, T>(
  api: Api,
  path: string,
  { key, query = {}, most }: { key: Key; query?: Query; most: number },
): Promise<{ all: T[]; cut: boolean }> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    type Page = { nextCursor: string | null } & Record<Key, T[]>;
    const page: Page = await api.get<Page>(path, { limit: 500, ...query, cursor });
    all.push(...page[key]);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && all.length < most);
  return { all, cut: cursor !== undefined };
}

export const projectPath = (projectId: string, rest = '') =>
  `/api/sync/projects/${encodeURIComponent(projectId)}${rest}`;
