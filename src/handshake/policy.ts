/** Which `Origin` may connect: any, the request's own host, or a list of exact origins. */
export type OriginPolicy = 'any' | 'same' | readonly string[];

/** Which offered subprotocol is selected: the client's first, none, or the first match in a list. */
export type SubprotocolPolicy = 'first' | 'none' | readonly string[];
