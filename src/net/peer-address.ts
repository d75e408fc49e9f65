/** Where a connection comes from. */
export interface PeerAddress {
  /** The client's address: IPv4 or IPv6 as RFC 5952 §4 writes it, or `unix`. */
  readonly remoteAddress: string;
  /** The client's port; 0 on a Unix socket, or when a proxy did not report one. */
  readonly remotePort: number;
}
