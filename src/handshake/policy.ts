/**
 * Which `Origin` may connect: any, the request's own host, or a list of origins. In a list `same` stands for
 * the request's own host, and `https://*.example.com` for all names below one.
 */
export type OriginPolicy = 'any' | 'same' | readonly string[];

/**
 * The hosts that a request may be for: any, a list, or a default that depends on the way (`auto`). In a
 * list `local` stands for the names of this machine and all addresses, `*.example.com` for all names below
 * one; a port counts where one is written.
 */
export type HostPolicy = 'auto' | 'any' | readonly string[];

/**
 * The way that a request has come: from the network, to a listener that only this machine reaches, on a
 * Unix socket, or from a trusted proxy, whose headers are believed or which has sent a PROXY header.
 */
export type Way = 'network' | 'loopback' | 'unix' | 'proxy' | 'proxy-protocol';

/** Which offered subprotocol is selected: the client's first, none, or the first match in a list. */
export type SubprotocolPolicy = 'first' | 'none' | readonly string[];
