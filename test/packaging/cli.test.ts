/** The tests of the command line, on the single binary. */
import t from 'tap';
import { BINARY, hasBinary } from './packages.js';

if (hasBinary(t)) {
  // Read when the fixtures are loaded.
  process.env['TWIST_COMMAND'] = BINARY;
  await import('../integration/cli.test.js');
}
