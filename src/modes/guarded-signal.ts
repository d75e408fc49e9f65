/** The signal of a handshake, as a user's mode gets it. */
import { memberOf, onRejection } from '../foreign.js';

type Listener = (event: Event) => unknown;

interface ListenerObject {
  readonly handleEvent?: unknown;
}

/** Whatever a program may give for a listener. */
type Given = Listener | ListenerObject | null;

/**
 * Makes a signal whose listeners end nothing but their session: Node would end the process for what one throws, or
 * for what its promise rejects with.
 *
 * @param failed hears of it
 */
export function guardedController(failed: (error: unknown) => void): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  const guards = new WeakMap<object, Listener>();
  const guardOf = (listener: Exclude<Given, null>): Listener => {
    let guard = guards.get(listener);
    if (guard === undefined) {
      guard = function (this: unknown, event: Event): void {
        try {
          onRejection(call(listener, this, event), failed);
        } catch (error) {
          failed(error);
        }
      };
      guards.set(listener, guard);
    }
    return guard;
  };
  for (const name of ['addEventListener', 'removeEventListener'] as const) {
    const original = signal[name].bind(signal);
    Object.defineProperty(signal, name, {
      value: (type: string, listener: Given, options?: object | boolean) => {
        // What is no listener is for Node to refuse.
        original(
          type,
          isListener(listener) ? guardOf(listener) : (listener as unknown as Listener),
          options,
        );
      },
    });
  }
  return controller;
}

function isListener(given: Given): given is Exclude<Given, null> {
  return typeof given === 'function' || (typeof given === 'object' && given !== null);
}

/** As the DOM calls it: an object has a function for that, which is looked up each time. */
function call(listener: Exclude<Given, null>, self: unknown, event: Event): unknown {
  if (typeof listener === 'function') return Reflect.apply(listener, self, [event]);
  const handle = memberOf(listener, 'handleEvent') as Listener;
  return Reflect.apply(handle, listener, [event]);
}
