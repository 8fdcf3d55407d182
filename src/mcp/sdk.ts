// The half of MCP's SDK that serves, for this room. The build bundles what it needs of the SDK into this one module
// (scripts/finish-build.ts), so that an install does not bring the SDK's client, its web framework and their packages.

// Deno finds the types of this package by names without an ending only.
// @ts-types="@modelcontextprotocol/sdk/server/mcp"
export { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
// @ts-types="@modelcontextprotocol/sdk/server/stdio"
export { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
// @ts-types="@modelcontextprotocol/sdk/server/webStandardStreamableHttp"
export { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
