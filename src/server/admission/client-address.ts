/** Which peers are believed about a client's address. */
import type { PeerAddress } from '../../net/socket-address.js';
import type { Way } from '../../handshake/policy.js';
import { findForwardedClient } from '../../handshake/forwarded.js';
import { valuesOf } from '../../handshake/request.js';
import type { HeaderField } from '../../handshake/request-head.js';
import { AddressList } from '../../net/address-range.js';

/** How a peer that is not a proxy connected. */
type DirectWay = Exclude<Way, 'proxy' | 'proxy-protocol'>;

/** How proxies report the client that they connect for. */
export type ProxyHeader = 'x-forwarded-for' | 'proxy-protocol';

/** Stands among proxies for those that connect by a Unix socket, and is the address of their connections. */
const UNIX = 'unix';

/** Nobody can take another address: only what comes straight from a trusted proxy is believed. */
export class ClientAddress {
  /** Whether connections by a Unix socket come from a proxy. */
  readonly trustsUnix: boolean;
  readonly #proxies: AddressList;
  readonly #header: ProxyHeader;

  /** @param proxies ranges of addresses, and perhaps `unix` */
  constructor(proxies: readonly string[], header: ProxyHeader) {
    this.trustsUnix = proxies.includes(UNIX);
    this.#proxies = new AddressList(proxies.filter((range) => range !== UNIX));
    this.#header = header;
  }

  /** Whether the peer is a proxy: the client is another one, which it names or is yet to name. */
  isProxy({ remoteAddress }: PeerAddress): boolean {
    return remoteAddress === UNIX ? this.trustsUnix : this.#proxies.has(remoteAddress);
  }

  /**
   * Whether a connection must begin with a PROXY protocol header. It is never guessed from what comes: a
   * client could say whatever it likes (The PROXY protocol §2).
   */
  expectsProxyHeader(peer: PeerAddress): boolean {
    return this.#header === 'proxy-protocol' && this.isProxy(peer);
  }

  /**
   * By which way a peer has come. A proxy is trusted whatever address of ours it has connected to.
   *
   * @param direct by which way, if it is none
   */
  wayOf(peer: PeerAddress, direct: DirectWay): Way {
    if (!this.isProxy(peer)) return direct;
    return this.#header === 'proxy-protocol' ? 'proxy-protocol' : 'proxy';
  }

  /** The client of a request: the peer itself, or the one that a trusted proxy names in its headers. */
  find(peer: PeerAddress, headers: readonly HeaderField[]): PeerAddress {
    if (this.#header !== 'x-forwarded-for' || !this.isProxy(peer)) return peer;
    const isProxy = (address: string): boolean => this.#proxies.has(address);
    return findForwardedClient(valuesOf(headers, 'x-forwarded-for'), isProxy) ?? peer;
  }
}
