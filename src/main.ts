#!/usr/bin/env node
// The entry: reads the command line, runs the command, ends with its exit code.

import { runCommandLine } from './cli/command-line.ts';
import { loadHost } from './host/load.ts';

const host = await loadHost();
const code = await runCommandLine(host);
if (code !== null) host.exit(code);
