// The git tools of an MCP server, as a connected MCP client reaches them. Knows the client by what it can do.

import { Failure } from '../../model/failure.ts';

/** The part of an MCP client that is used; the SDK's own has it. It is connected, and stays so. */
export type McpGitClient = {
  listTools(): Promise<{ tools: readonly { name: string }[] }>;
  callTool(
    call: { name: string; arguments: Record<string, unknown> },
    schema?: undefined,
    options?: { signal?: AbortSignal; timeout?: number },
  ): Promise<unknown>;
};

/** What is asked of the server. */
const GIT_TOOLS = ['git_push', 'git_fetch'] as const;
type GitTool = (typeof GIT_TOOLS)[number];

type Answer = { isError?: boolean; content?: readonly { type: string; text?: string }[] };

const ANSWER_LIMIT_MS = 60 * 60_000;

/** Its words, and whether they tell of a failure. @throws Failure `mcp-git-failed` when the server is not there */
export async function callGitTool(
  client: McpGitClient,
  call: { name: GitTool; arguments: Record<string, unknown>; signal: AbortSignal },
): Promise<{ isError: boolean; text: string }> {
  const { name, signal } = call;
  try {
    const options = { signal, timeout: ANSWER_LIMIT_MS };
    const answer = (await client.callTool({ name, arguments: call.arguments }, undefined, options)) as Answer;
    const text = (answer.content ?? []).map((part) => part.text ?? '').join('\n');
    return { isError: answer.isError === true, text };
  } catch (cause) {
    signal.throwIfAborted();
    const detail = `The MCP server did not answer ${name}.`;
    throw new Failure('mcp-git-failed', detail, { cause, data: { outcomeUnknown: name === 'git_push' } });
  }
}

/** @throws Failure `mcp-git-refused` naming what the server lacks, `mcp-git-failed` when it does not answer */
export async function checkGitTools(client: McpGitClient): Promise<void> {
  const { tools } = await client.listTools().catch((cause: unknown) => {
    throw new Failure('mcp-git-failed', 'The MCP server does not say which tools it has.', { cause });
  });
  const missing = GIT_TOOLS.filter((name) => !tools.some((tool) => tool.name === name));
  if (missing.length === 0) return;
  const action = 'Connect the client to a server with git tools, for example @cyanheads/git-mcp-server.';
  throw new Failure('mcp-git-refused', `The MCP server has no ${missing.join(' and no ')}.`, { action });
}
