/**
 * Files and sockets that this process may open. Beyond the limit accepting fails without a word: libuv closes the
 * newcomer, and neither Node nor the server hears of it. So no more connections are taken than fit, and a probe finds out
 * when there is nothing left all the same.
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { HealthSource } from '../admin/admin-source.js';
import { optionName } from '../config/messages.js';
import type { ProvidedServerSettings } from '../config/settings.js';
import type { Log } from '../log.js';
import type { Files } from '../modes/built-in.js';

/** Descriptors that are needed beside connections: listeners, log, recordings, channels, the event loop. */
const RESERVED_FILES = 64;

/** Connections that are refused over HTTP, as `Admission` has them: a tenth of the limit, and at least 64. */
const MIN_REFUSED = 64;
const REFUSED_SHARE = 10;

const LIMITS_FILE = '/proc/self/limits';

/** Fewer connections fit than were asked for. */
export interface OpenFilesProblem {
  /** How many fit. */
  readonly most: number;
  /** What to tell the operator. */
  readonly sentence: string;
}

/**
 * Node has raised the soft limit to the hard one by now.
 *
 * @param filesEach what a connection takes: a proxied one has a connection to its target too, and one
 *   that gets a recording or a file has that open
 * @param manner how an option that stands at its default is named
 * @returns null when all is well or nothing is known
 */
export function openFilesProblem(
  io: Pick<Files, 'readFile'>,
  maxConnections: ProvidedServerSettings['maxConnections'],
  filesEach: 1 | 2 = 1,
  manner: 'flag' | 'call' = 'flag',
): OpenFilesProblem | null {
  const limit = openFilesLimit(io);
  if (limit === null) return null;
  const most = connectionsIn(limit - RESERVED_FILES, filesEach);
  if (maxConnections.value <= most) return null;
  const sentence =
    `${optionName('maxConnections', maxConnections, manner)} is ${maxConnections.value}, but this process may open only ${limit} files: ` +
    `raise the limit (ulimit -n, LimitNOFILE=) or lower the option to ${most}`;
  return { most, sentence };
}

/** How many connections fit into so many files, refused ones beside them. */
function connectionsIn(files: number, filesEach: number): number {
  const besideFew = (files - MIN_REFUSED) / filesEach;
  const besideMany = (files * REFUSED_SHARE) / (filesEach * REFUSED_SHARE + 1);
  return Math.max(1, Math.floor(Math.min(besideFew, besideMany)));
}

/** The soft limit that Linux tells; null elsewhere and when there is none. */
function openFilesLimit(io: Pick<Files, 'readFile'>): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(io.readFile(LIMITS_FILE));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

const PROBE_MS = 1000;

/** What the log says when there are none left, by the system's name. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'this process can open no more files and sockets (ulimit -n)',
  ENFILE: 'this machine can open no more files and sockets (fs.file-max)',
};

/** Notices when no descriptors are left, and when there are some again. It opens one file a second. */
export class DescriptorWatch implements HealthSource {
  /** How often there were none left. */
  shortages = 0;

  readonly #log: Log;
  readonly #openFile: () => void;
  #timer: NodeJS.Timeout | null = null;
  /** What is wrong; null while all is well. */
  #problem: string | null = null;
  #sinceMs = 0;

  /** @param openFile opens a file and closes it, or throws what the system says */
  constructor(log: Log, openFile = openNothing) {
    this.#log = log;
    this.#openFile = openFile;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#probe();
    }, PROBE_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  findProblems(): readonly string[] {
    return this.#problem === null ? [] : [this.#problem];
  }

  #probe(): void {
    const problem = this.#findProblem();
    if (problem === this.#problem) return;
    const nowMs = performance.now();
    if (problem === null) {
      const durationMs = Math.round(nowMs - this.#sinceMs);
      this.#log.warn({ durationMs }, 'files and sockets can be opened again');
    } else if (this.#problem === null) {
      this.shortages++;
      this.#sinceMs = nowMs;
      this.#log.error(
        {},
        `${problem}: newcomers are closed without an answer, files and targets cannot be opened`,
      );
    }
    this.#problem = problem;
  }

  #findProblem(): string | null {
    try {
      this.#openFile();
      return null;
    } catch (error) {
      // Whatever else is wrong with the file says nothing about descriptors.
      return SHORTAGES[(error as NodeJS.ErrnoException).code ?? ''] ?? null;
    }
  }
}

function openNothing(): void {
  closeSync(openSync(devNull, 'r'));
}
