/** Loads a module that a user wrote, from a file that an option names. */
import { readFault } from '../config/file.js';
import { errorForLog, memberOf, textOfThrown } from '../foreign.js';
import type { Files } from './built-in.js';

/** Ends with one sentence. @param clause what is wrong with it, and what is allowed */
export type Refuse = (clause: string) => never;

const LOCATION = /(?:^|[/\\])([^/\\\s:()]+\.[cm]?js):(\d+)(?::\d+)?\)?$/m;
const TYPESCRIPT = /\.[cm]?tsx?$/;

/** @returns what the module in a file exports, in an object of its own: no promise asks it for a `then` */
export async function importModule(
  path: string,
  files: Files,
  refuse: Refuse,
): Promise<{ readonly module: unknown }> {
  try {
    files.readFile(path);
  } catch (error) {
    refuse(readFault(error));
  }
  try {
    return { module: await files.importFile(path) };
  } catch (error) {
    return refuse(loadFault(path, error));
  }
}

/** The default export; CommonJS that was made from an ES module has that one's inside its own. */
export function defaultOf(module: unknown): unknown {
  const exported = memberOf(module, 'default');
  const isTranspiled = memberOf(exported, '__esModule') === true;
  return isTranspiled ? memberOf(exported, 'default') : exported;
}

/** Why a module cannot be loaded, as a clause with the line, where Node tells it. */
function loadFault(path: string, error: unknown): string {
  const isError = typeof memberOf(error, 'message') === 'string';
  const fault = isError ? errorForLog(error) : new Error(textOfThrown(error));
  if ((fault as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return TYPESCRIPT.test(path)
      ? 'this version of Node reads JavaScript only; give the file that it compiles to'
      : 'give a file that ends in .js, .mjs or .cjs';
  }
  const message = `${fault.name}: ${fault.message.replace(/\n[^]*$/, '')}`;
  // After the first line of Node's own comes where the module was loaded from. What is no error has no stack of its own.
  const [own = ''] = isError ? String(fault.stack).split('node:internal', 1) : [];
  const [, file, line] = LOCATION.exec(own) ?? [];
  if (line !== undefined) return `it cannot be loaded, line ${line} of ${String(file)}: ${message}`;
  const help =
    fault.name === 'SyntaxError'
      ? `; node --check shows where, in it or in a file that it imports`
      : '';
  return `it cannot be loaded: ${message}${help}`;
}
