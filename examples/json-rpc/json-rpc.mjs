/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification) as a mode: requests, notifications and batches, methods that
 * answer at once or later.
 *
 * A client can have so many calls under way; while it does, it is not read. The same when it does not read its
 * answers. Both bound what it can cost.
 */

/* global AbortController */
import { setTimeout } from 'node:timers/promises';

/** @typedef {import('twist-server').Session<Calls>} Session */

/**
 * What a method gets beside its parameters.
 *
 * @typedef {object} Context
 * @property {Session} session of the client that calls
 * @property {AbortSignal} signal aborted when the session is over
 */

/** @typedef {readonly unknown[] | Readonly<Record<string, unknown>> | undefined} Params */
/** @typedef {(params: Params, context: Context) => unknown} Method what it returns, or its promise, is the result */

/** @typedef {string | number | null} Id */
/** @typedef {{ readonly method: string, readonly params: Params, readonly id: Id | undefined }} Call */

/** The codes of the specification, section 5.1. */
export const ErrorCode = /** @type {const} */ ({
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
});

/** An error that the client is told: a method throws it. Whatever else it throws is told as an internal error. */
export class RpcError extends Error {
  /** @param {number} code @param {string} message @param {unknown} [data] what the client may want to know */
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** The calls of a session that are under way, and those that wait their turn. */
class Calls {
  /** @type {(() => Promise<void>)[]} */
  waiting = [];
  running = 0;
  isReadingPaused = false;
  /** The client does not read its answers. */
  isClientBehind = false;
  over = new AbortController();
  /** Called when nothing is under way any more. */
  onIdle = () => undefined;
}

/**
 * Makes a mode of methods.
 *
 * @param {Readonly<Record<string, Method>>} methods by their names
 * @param {object} [options]
 * @param {number} [options.maxCalls] calls of one client that may be under way at a time
 * @param {number} [options.maxBatch] requests in one batch
 * @param {(error: unknown, method: string) => void} [options.onError] told of what methods throw that is no RpcError
 * @returns {import('twist-server').Mode<Calls>}
 */
export function jsonRpc(methods, { maxCalls = 16, maxBatch = 100, onError } = {}) {
  const table = new Map(Object.entries(methods));

  /** Calls a method. @param {Session} session @param {Call} call @returns {Promise<unknown>} */
  async function run(session, { method: name, params }) {
    const method = table.get(name);
    if (method === undefined) throw new RpcError(ErrorCode.MethodNotFound, 'Method not found');
    try {
      return await method(params, { session, signal: session.data.over.signal });
    } catch (error) {
      if (error instanceof RpcError) throw error;
      if (!session.data.over.signal.aborted) onError?.(error, name);
      // No detail of ours is for the client.
      throw new RpcError(ErrorCode.InternalError, 'Internal error');
    }
  }

  /** @param {Session} session @param {unknown} request @returns {Promise<string | null>} null for a notification */
  async function answer(session, request) {
    /** @type {Id | undefined} */
    let id = null;
    try {
      const call = readCall(request);
      id = call.id;
      const result = await run(session, call);
      return id === undefined ? null : textOf({ result: result ?? null }, id);
    } catch (error) {
      // A notification has no answer, not even an error (section 4.1).
      return id === undefined ? null : errorText(error, id);
    }
  }

  /** @param {Session} session @param {string} text */
  function receive(session, text) {
    /** @type {unknown} */
    let request;
    try {
      request = JSON.parse(text);
    } catch {
      reply(session, errorText(new RpcError(ErrorCode.ParseError, 'Parse error')));
      return;
    }
    if (!Array.isArray(request)) {
      enter(session, async () => {
        reply(session, await answer(session, request));
      });
      return;
    }
    const problem =
      request.length === 0 ? 'Invalid Request' : `Invalid Request: over ${maxBatch} in a batch`;
    if (request.length === 0 || request.length > maxBatch) {
      reply(session, errorText(new RpcError(ErrorCode.InvalidRequest, problem)));
      return;
    }
    /** @type {(string | null)[]} */
    const answers = [];
    let left = request.length;
    for (const [index, one] of request.entries()) {
      enter(session, async () => {
        answers[index] = await answer(session, one);
        if (--left > 0) return;
        const texts = answers.filter((text) => text !== null);
        // A batch of notifications alone is answered with nothing (section 6).
        if (texts.length > 0) reply(session, `[${texts.join(',')}]`);
      });
    }
  }

  /** Runs a call now, or when others are through. @param {Session} session @param {() => Promise<void>} call */
  function enter(session, call) {
    session.data.waiting.push(call);
    proceed(session);
  }

  /** @param {Session} session */
  function proceed(session) {
    const calls = session.data;
    while (calls.running < maxCalls) {
      const call = calls.waiting.shift();
      if (call === undefined) break;
      calls.running++;
      call()
        .catch((/** @type {unknown} */ error) => {
          session.fail(error);
        })
        .finally(() => {
          calls.running--;
          proceed(session);
        });
    }
    steer(session);
    if (calls.running === 0) calls.onIdle();
  }

  /** Reads from the client, or does not. @param {Session} session */
  function steer(session) {
    const calls = session.data;
    const isFull = calls.isClientBehind || calls.running === maxCalls;
    if (isFull === calls.isReadingPaused) return;
    calls.isReadingPaused = isFull;
    if (isFull) session.pause();
    else session.resume();
  }

  /** @param {Session} session @param {string | null} text */
  function reply(session, text) {
    if (text === null || session.send(text) !== 'wait') return;
    session.data.isClientBehind = true;
    steer(session);
  }

  return {
    name: 'json-rpc',

    upgrade(session) {
      session.data = new Calls();
    },

    message(session, data, isBinary) {
      if (isBinary) session.close(1003, 'JSON texts only, please');
      else receive(session, data.toString());
    },

    drain(session) {
      session.data.isClientBehind = false;
      steer(session);
    },

    // The answers to what came before the client's Close leave before our own.
    closing({ data: calls }) {
      if (calls.running === 0) return undefined;
      return new Promise((resolve) => {
        calls.onIdle = () => {
          resolve();
        };
      });
    },

    close({ data: calls }) {
      calls.waiting = [];
      calls.over.abort();
    },
  };
}

/** Sends the client a notification of ours. @param {Session} session @param {string} method @param {Params} params */
export function notify(session, method, params) {
  return session.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
}

/** @param {unknown} request @returns {Call} */
function readCall(request) {
  const { jsonrpc, method, params, id } = /** @type {Record<string, unknown>} */ (request ?? {});
  const isId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
  const isParams = params === undefined || (typeof params === 'object' && params !== null);
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId || !isParams)
    throw new RpcError(ErrorCode.InvalidRequest, 'Invalid Request');
  return { method, params: /** @type {Params} */ (params), id };
}

/** @param {object} outcome @param {Id} id */
function textOf(outcome, id) {
  return JSON.stringify({ jsonrpc: '2.0', ...outcome, id });
}

/** @param {unknown} error @param {Id} [id] null when the request has none that can be read */
function errorText(error, id = null) {
  const known = error instanceof RpcError;
  const { code, message, data } = known
    ? error
    : { code: ErrorCode.InternalError, message: 'Internal error', data: undefined };
  return textOf({ error: { code, message, data } }, id);
}

/** A parameter, given by its place or by its name. @param {Params} params @param {number} index @param {string} name */
function paramOf(params, index, name) {
  const members = /** @type {Record<string | number, unknown>} */ (params ?? {});
  return members[Array.isArray(params) ? index : name];
}

/** @param {Params} params @param {number} index @param {string} name */
function numberOf(params, index, name) {
  const value = paramOf(params, index, name);
  if (typeof value === 'number') return value;
  throw new RpcError(ErrorCode.InvalidParams, 'Invalid params', `${name} must be a number`);
}

/** Methods to try it with. */
export default jsonRpc({
  add: (params) => numberOf(params, 0, 'a') + numberOf(params, 1, 'b'),

  divide(params) {
    const divisor = numberOf(params, 1, 'b');
    if (divisor === 0) throw new RpcError(-32000, 'Division by zero');
    return numberOf(params, 0, 'a') / divisor;
  },

  /** Answers after so many milliseconds, and says so before; for a client that has left nothing waits. */
  async wait(params, { session, signal }) {
    const ms = numberOf(params, 0, 'ms');
    notify(session, 'waiting', { ms });
    await setTimeout(ms, undefined, { signal });
    return ms;
  },
});
