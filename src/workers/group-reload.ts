/** Has all workers read again what can be read again, and says in one line what came of it. */
import type { Log } from '../log.js';
import { SharedReload } from '../app/reload/shared-reload.js';
import type { ConfigFile, ReloadOutcome } from './messages.js';
import type { Reply } from './questions.js';

const NO_OUTCOME: ReloadOutcome = { isWell: false, message: 'no answer' };

export class GroupReload {
  /** The number of the last one that has begun. A worker that has an older one, and was not asked, may have read old files. */
  number = 0;
  /** The number of the last one that is over: a worker that gets its order now has what that one has read, and no more. */
  settled = 0;
  /** The configuration file as of the last one that went well everywhere: workers that start later begin with it. Null before the first. */
  text: string | null = null;

  readonly #readConfig: () => ConfigFile;
  readonly #askWorkers: (config: ConfigFile) => Promise<readonly Reply[]>;
  readonly #log: Log;
  readonly #shared = new SharedReload(async () => this.#reload());

  /** @param askWorkers asks all that serve; it does not reject */
  constructor(
    readConfig: () => ConfigFile,
    askWorkers: (config: ConfigFile) => Promise<readonly Reply[]>,
    log: Log,
  ) {
    this.#readConfig = readConfig;
    this.#askWorkers = askWorkers;
    this.#log = log;
  }

  /** Whoever asks during one shares the next one. */
  ask(): Promise<void> {
    return this.#shared.ask();
  }

  async #reload(): Promise<void> {
    const config = this.#readConfig();
    this.number++;
    this.#tell(await this.#askWorkers(config), config);
    this.settled = this.number;
  }

  #tell(replies: readonly Reply[], { text }: ConfigFile): void {
    const outcomes = replies.map(({ value }) => (value as ReloadOutcome | null) ?? NO_OUTCOME);
    const messages = new Set(outcomes.map(({ message }) => message));
    const isWell = outcomes.length > 0 && outcomes.every((outcome) => outcome.isWell);
    // One of those that start later may refuse it again.
    if (isWell) this.text = text;
    const [message = 'not reloaded: no worker serves'] = messages;
    const workers = replies.map(({ worker }) => worker);
    if (messages.size <= 1) this.#log[isWell ? 'info' : 'error']({ workers }, message);
    else
      this.#log.error(
        { outcomes: replies.map(({ worker }, index) => ({ worker, ...outcomes[index]! })) },
        'reloaded, and not in the same way by all workers',
      );
  }
}
