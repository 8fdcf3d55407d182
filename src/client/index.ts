// `gitferry/client`: the API for other programs, in browsers, Node and Deno. Loads nothing but this folder.

export type { CallOptions } from './call-options.ts';
export { ClientError } from './client-error.ts';
export { type Client, type ClientOptions, createClient } from './create-client.ts';
export { everyPage } from './every-page.ts';
export type { Connection, FeedEvent, FeedOptions } from './feed.ts';
export type { Methods, TriggerInput } from './methods.ts';
