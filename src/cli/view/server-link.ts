/** What the process of the inspector and its server say to each other, beside the records. */
import type { Log, LogLevel } from '../../log.js';
import type { FromViewer, ToViewer, ViewerOrder } from '../../workers/viewer/viewer-messages.js';

/** The channel to the server. */
export interface ViewerChannel {
  send(message: FromViewer): void;
  onMessage(listener: (message: ToViewer) => void): void;
}

/** The link to the server: its order, and the sessions that it is asked to end. */
export class ServerLink {
  readonly channel: ViewerChannel;
  readonly order: Promise<ViewerOrder>;
  onReload: () => void = () => undefined;
  readonly #waiting = new Map<number, (problem: string | null) => void>();
  #lastId = 0;

  constructor(channel: ViewerChannel) {
    this.channel = channel;
    this.order = new Promise((resolve) => {
      channel.onMessage((message) => {
        if (message.kind === 'order') resolve(message.order);
        else if (message.kind === 'reload') this.onReload();
        else if (message.kind === 'check') channel.send({ kind: 'alive' });
        else {
          this.#waiting.get(message.id)?.(message.problem);
          this.#waiting.delete(message.id);
        }
      });
    });
    channel.send({ kind: 'ready' });
  }

  end(session: string, code: number, reason: string): Promise<string | null> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      this.channel.send({ kind: 'end', id, session, code, reason });
    });
  }
}

/** The server has the log. */
export function logOf(channel: ViewerChannel): Log {
  const writes =
    (level: LogLevel) =>
    (fields: object, message: string): void => {
      channel.send({ kind: 'log', level, fields: plain(fields), message });
    };
  return {
    debug: writes('debug'),
    info: writes('info'),
    warn: writes('warn'),
    error: writes('error'),
  };
}

/** Nothing of an error arrives by itself. */
function plain(fields: object): object {
  const entries: [string, unknown][] = Object.entries(fields).map(
    ([key, value]: [string, unknown]) => [
      key,
      value instanceof Error
        ? { type: value.name, message: value.message, stack: value.stack }
        : value,
    ],
  );
  return { inspector: true, ...Object.fromEntries(entries) };
}
