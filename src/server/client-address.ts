/** Who is believed about a client's address. */
import type { PeerAddress } from '../connection/connection-host.js';
import { findForwardedClient } from '../handshake/forwarded-for.js';
import { valuesOf } from '../handshake/http-request.js';
import type { HeaderField } from '../handshake/request-head.js';
import type { AddressList } from '../connection/address-list.js';

/** How proxies tell for whom they have connected. */
export type ProxyHeader = 'x-forwarded-for' | 'proxy-protocol';

/**
 * Nobody can make himself another one: only what comes straight from a trusted proxy is believed. A
 * connection by a Unix socket comes from no address and is never trusted.
 */
export class ClientAddress {
  readonly #proxies: AddressList;
  readonly #header: ProxyHeader;

  constructor(proxies: AddressList, header: ProxyHeader) {
    this.#proxies = proxies;
    this.#header = header;
  }

  /** Whether the client is somebody else, whom the proxy there names or is yet to name. */
  isProxy({ remoteAddress }: PeerAddress): boolean {
    return this.#proxies.has(remoteAddress);
  }

  /**
   * Whether a connection must begin with a PROXY protocol header. It is never guessed from what comes: a
   * client could say whatever it likes (The PROXY protocol §2).
   */
  expectsProxyHeader(peer: PeerAddress): boolean {
    return this.#header === 'proxy-protocol' && this.isProxy(peer);
  }

  /** Whose request it is: the peer's itself, or that of whom a trusted proxy names in its headers. */
  find(peer: PeerAddress, headers: readonly HeaderField[]): PeerAddress {
    if (this.#header !== 'x-forwarded-for' || !this.isProxy(peer)) return peer;
    const isProxy = (address: string): boolean => this.#proxies.has(address);
    return findForwardedClient(valuesOf(headers, 'x-forwarded-for'), isProxy) ?? peer;
  }
}
