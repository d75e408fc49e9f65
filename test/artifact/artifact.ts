/** Something that is called twist, however it was packed, and how a test starts it. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type Outcome,
  type RunOptions,
  type TwistProcess,
  runTwist,
  startServing,
} from '../fixtures/twist-process.js';

/** What is to be run. */
export interface Launch {
  readonly args: readonly string[];
  /** Variables of twist's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Must be there for twist under this very path, to read and to write. Any user may do both. */
  readonly directory: string;
}

/**
 * How an artifact is started, as options for a process of the fixtures. That shares the loopback interface with the
 * test, passes signals on, and ends with the exit status of twist.
 */
export type Launcher = (launch: Launch) => RunOptions;

/** @param command the path of what is started, and its first arguments */
export function startedBy(...command: readonly string[]): Launcher {
  return ({ args, env }) => ({ command, args, env });
}

/** An artifact with a directory for one test. */
export class Artifact {
  readonly directory: string;
  readonly #t: Test;
  readonly #launcher: Launcher;

  constructor(t: Test, launcher: Launcher) {
    this.#t = t;
    this.#launcher = launcher;
    this.directory = makeTempDir(t);
    chmodSync(this.directory, 0o777);
  }

  /** Writes a file that twist can read. @returns its path */
  file(name: string, text: string): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, text);
    chmodSync(file, 0o644);
    return file;
  }

  /** Starts a server on a free port of the loopback and waits until it listens. */
  async serves(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<TwistProcess> {
    const listen = ['--listen', '127.0.0.1:0', '--log-format', 'json', '--max-log-rate', 'off'];
    return await startServing(this.#t, this.#options(['serve', ...listen, ...args], env));
  }

  /** Runs it to its end. */
  async runs(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    return await runTwist(this.#t, this.#options(args, env));
  }

  #options(args: readonly string[], env: Readonly<Record<string, string>>): RunOptions {
    return this.#launcher({ args, env, directory: this.directory });
  }
}
