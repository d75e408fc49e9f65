/** All cases there are. */
import { type ListedCase, listCases } from './case.js';
import { CONFIG } from './cases/config.js';
import { ECHO } from './cases/echo.js';
import { EXTENSIONS } from './cases/extensions.js';
import { HANDSHAKE } from './cases/handshake.js';
import { INSPECT } from './cases/inspect.js';
import { OPERATION } from './cases/operation.js';
import { OUTPUT } from './cases/output.js';
import { PROTOCOL } from './cases/protocol.js';
import { RECORDING } from './cases/recording.js';
import { SERVER } from './cases/server.js';
import { SESSION } from './cases/session.js';
import { SHARING } from './cases/sharing.js';

export const ALL_CASES: readonly ListedCase[] = listCases([
  PROTOCOL,
  OUTPUT,
  ECHO,
  EXTENSIONS,
  SESSION,
  HANDSHAKE,
  CONFIG,
  RECORDING,
  SERVER,
  SHARING,
  OPERATION,
  INSPECT,
]);
