/** Who and where a session is, and what its mode keeps with it. */
import type { SessionUpgrade } from './session-host.js';
import type { SessionTransport } from './session-transport.js';

const NO_NOTES = {};

let lastId = 0;

export abstract class SessionIdentity {
  readonly id = ++lastId;
  readonly path: string;
  readonly subprotocol: string | null;
  data: unknown = null;
  notes: Readonly<Record<string, unknown>> = NO_NOTES;

  protected readonly transport: SessionTransport;

  constructor({ request, subprotocol }: SessionUpgrade, transport: SessionTransport) {
    this.path = request.path;
    this.subprotocol = subprotocol;
    this.transport = transport;
  }

  get remoteAddress(): string {
    return this.transport.remoteAddress;
  }

  get remotePort(): number {
    return this.transport.remotePort;
  }

  get localAddress(): string {
    return this.transport.localAddress;
  }

  get localPort(): number {
    return this.transport.localPort;
  }
}
