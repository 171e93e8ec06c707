#!/usr/bin/env node
// Not for users: `pnpm serve` starts it, and another in its place when the model changes.
import { collectLessOften } from '@crosscheck/inference';
import { runServerProcess } from '../process/run-server-process.ts';

collectLessOften();
runServerProcess();
