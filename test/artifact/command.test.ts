/**
 * The checks that every artifact has to pass, on the built command, or on whatever `TWIST_COMMAND` names:
 * `TWIST_COMMAND=/usr/bin/twist node tools/test.mjs quick test/artifact/command.test.ts`.
 */
import t from 'tap';
import { startedBy } from './artifact.js';
import { checkCore } from './core-checks.js';

t.setTimeout(150_000);

const command = process.env['TWIST_COMMAND'] ?? `${process.execPath} bin/twist.js`;

await checkCore(t, startedBy(...command.split(' ')));
