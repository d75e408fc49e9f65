/**
 * The checks that every artifact has to pass, on the built command, or on whatever `TWIST_COMMAND` names:
 * `TWIST_COMMAND=/usr/bin/twist node tools/test.mjs quick test/artifact/command.test.ts`.
 */
import t from 'tap';
import { COMMAND } from '../fixtures/twist-process.js';
import { startedBy } from './artifact.js';
import { checkCore } from './core-checks.js';

t.setTimeout(150_000);

await checkCore(t, startedBy(...COMMAND));
