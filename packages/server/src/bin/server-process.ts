#!/usr/bin/env node
// Not for users: `pnpm serve` starts it, and another in its place when the model changes.
import { runServerProcess } from '../process/run-server-process.ts';

runServerProcess();
