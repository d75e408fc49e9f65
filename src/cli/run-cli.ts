import type { Logger } from 'pino';
import type { Flags } from '../config/text-sources.js';
import { load, type Loaded } from '../config/load.js';
import { OPTIONS } from '../config/options/options.js';
import type { Settings } from '../config/settings.js';
import { ConfigError } from '../errors.js';
import { ExitCode } from './exit-code.js';
import { type Resources, readResources } from '../app/resources/resources.js';
import { workersOf } from '../workers/processors.js';
import { inspectorOf } from './serve/inspector.js';
import { failed, openLog } from './serve/run-server.js';
import type { CommandResources } from './serve/serve.js';
import type { WorkersStart } from './serve/serve-workers.js';
import { permissionWarnings } from '../app/resources/given-files.js';
import type { Io } from './io.js';
import type { Viewer } from '../workers/viewer/viewer.js';
import { complain, createLog } from './output/log.js';
import { modeProblem } from '../app/mode-choice.js';
import { readAgain } from './read-again.js';
import { plainFlags } from './plain-flags.js';
import type { Actions } from './program.js';
import { hasColor } from './output/style.js';
import { version } from '../app/version.js';

/** What the command line is wired to. */
export interface Parts {
  /** Runs the server until it is told to stop. @returns the exit status */
  readonly serve: (
    resources: CommandResources,
    io: Io,
    log: Logger,
    load: () => Loaded,
    membership: null,
    inspector: Viewer | null,
  ) => Promise<number>;
  /** The same by several processes. */
  readonly serveWorkers: (start: WorkersStart, io: Io, log: Logger) => Promise<number>;
  /** Makes the server and does not start it; throws what `serve` would reject with. */
  readonly check: (resources: Resources, log: Logger) => void;
}

/**
 * Runs the command line. What only some verbs need is loaded by them (docs/adr/0040-start.md).
 * @returns the exit status; see {@link ExitCode}
 */
export async function runCli(io: Io, parts: Parts): Promise<number> {
  const { serve, serveWorkers, check } = parts;
  let exitCode: number = ExitCode.Ok;
  let format: Settings['logFormat'] | null = null;
  let configText: string | null = null;
  const readFile = (path: string): string => (configText = io.readFile(path));
  const loaded = (flags: Flags): Loaded => load({ flags, environment: io.env, readFile });

  const actions: Actions = {
    async serve(flags, fail) {
      const found = loaded(flags);
      const { settings, values, warnings } = found;
      format = settings.logFormat;
      const problem = modeProblem(values);
      if (problem !== null) {
        // One of them may be why there is no mode.
        warn(io, warnings);
        fail(problem);
      }
      const log = openLog(found, io, hasColor(io.stderr, io.env));
      const tellWarnings = (): void => {
        for (const warning of [...warnings, ...permissionWarnings(values)]) log.warn(warning);
      };
      const workers = workersOf(settings.workers);
      try {
        if (workers > 1) {
          tellWarnings();
          exitCode = await serveWorkers({ workers, loaded: found, flags, configText }, io, log);
        } else {
          const resources = await readResources({ settings, values }, io, log);
          tellWarnings();
          const start = { loaded: found, flags, configText, workers };
          exitCode = await serve(
            resources,
            io,
            log,
            () => load({ flags, environment: io.env, readFile: (path) => readAgain(path, io) }),
            null,
            await inspectorOf(start, io, log, resources.memory),
          );
        }
      } catch (error) {
        exitCode = failed(error, log);
      }
    },
    async printConfig(flags, isJson) {
      const { values, warnings } = loaded(flags);
      warn(io, warnings);
      const { configJson, configTable } = await import('./config/print-config.js');
      const isStyled = hasColor(io.stdout, io.env);
      io.stdout.write(
        isJson ? configJson(OPTIONS, values) : configTable(OPTIONS, values, isStyled),
      );
    },
    async checkConfig(flags) {
      const { settings, values, warnings } = loaded(flags);
      warn(io, [...warnings, ...permissionWarnings(values)]);
      const problem = modeProblem(values);
      if (problem !== null) throw new ConfigError(problem, { source: 'file' });
      const log = createLog('silent', 'json', io.stderr);
      check(await readResources({ settings, values }, io, log), log);
      const { configSummary } = await import('./config/print-config.js');
      io.stdout.write(`configuration is valid (${configSummary(OPTIONS, values)})\n`);
    },
    async healthcheck(flags, pid) {
      if (pid !== undefined) {
        const { wordsOfServer } = await import('./healthcheck/server-words.js');
        const argv = ['healthcheck', ...wordsOfServer(pid, (file) => io.readFile(file))];
        exitCode = await runCli({ ...io, argv }, parts);
        return;
      }
      const { settings } = loaded(flags);
      const { checkHealth } = await import('./healthcheck/healthcheck.js');
      const { isReady, text } = await checkHealth(settings);
      if (isReady) io.stdout.write(`${text}\n`);
      else io.stderr.write(`twist: ${text}\n`);
      exitCode = isReady ? ExitCode.Ok : ExitCode.Failure;
    },
    async convert(inputs, flags) {
      const isTerminal = io.stdout.isTTY === true;
      const { convert } = await import('./convert/convert.js');
      const { convertRequest } = await import('./convert/request.js');
      exitCode = await convert(convertRequest(inputs, flags, Date.now(), isTerminal), io);
    },
    async view(inputs, flags) {
      const { view, viewRequest } = await import('./view/view.js');
      exitCode = await view(viewRequest(inputs, flags, io), io, io.self.platform);
    },
    async completion(shell) {
      const { completionFor } = await import('./completion/completion.js');
      const { createProgram } = await import('./program.js');
      // As help is asked for: with all options.
      const whole = createProgram({ ...io, argv: [] }, version(), actions);
      io.stdout.write(completionFor(shell, whole));
    },
  };

  try {
    const flags = plainFlags(io.argv, OPTIONS);
    const problem = flags && (await serveOrProblem(actions, flags));
    if (flags !== null && problem === null) return exitCode;
    if (io.argv.length === 1 && io.argv[0] === '--licenses') {
      const { licenses } = await import('./licenses.js');
      io.stdout.write(licenses((file) => io.readFile(file)));
      return exitCode;
    }
    const { runProgram } = await import('./program.js');
    // What is wrong with the flags is said as commander would say it.
    const serve: Actions['serve'] = (_, fail) => fail(problem!);
    const ended = await runProgram(
      io,
      version(),
      problem === null ? actions : { ...actions, serve },
    );
    return ended ?? exitCode;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(io, error.message, format);
    return error.source === 'flag' ? ExitCode.Usage : ExitCode.Config;
  }
}

/** What the action of a command finds wrong with its flags. */
class Misuse extends Error {}

/** @returns what is wrong with the flags; null if nothing was */
async function serveOrProblem(actions: Actions, flags: Flags): Promise<string | null> {
  try {
    await actions.serve(flags, (problem) => {
      throw new Misuse(problem);
    });
    return null;
  } catch (error) {
    if (error instanceof Misuse) return error.message;
    throw error;
  }
}

function warn(io: Io, warnings: readonly string[]): void {
  for (const warning of warnings) io.stderr.write(`twist: warning: ${warning}\n`);
}
