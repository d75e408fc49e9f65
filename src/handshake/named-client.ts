/** Who a proxy says has connected to it. */
export interface NamedClient {
  /** An IPv4 or IPv6 address, written as RFC 5952 §4 has it. */
  readonly remoteAddress: string;
  /** 0 when the proxy did not say. */
  readonly remotePort: number;
}
