/**
 * The names whose values may be shown: an allow-list, because no list of bad names is ever complete.
 * Add a name only if it never carries a secret, whatever service is proxied.
 */

/** How the value of a header is looked at before it is shown. */
export type ValueForm =
  /** Shown as it is. */
  'plain' | 'host' | 'url' | 'origin' | 'subprotocols' | 'extensions' | 'forwarded';

const FORMS: Readonly<Record<ValueForm, readonly string[]>> = {
  plain: [
    // What the handshake itself has; the key is no secret (RFC 6455 §1.3), and the answer is made of it.
    ...['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-version'],
    // What a client is, and what it can read.
    ...['user-agent', 'accept', 'accept-charset', 'accept-encoding', 'accept-language', 'dnt'],
    ...['cache-control', 'pragma', 'priority', 'te', 'sec-gpc', 'upgrade-insecure-requests'],
    ...['sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'sec-fetch-storage-access'],
    ...['sec-fetch-user', 'sec-purpose', 'save-data', 'downlink', 'ect', 'rtt', 'device-memory'],
    ...['sec-ch-ua', 'sec-ch-ua-arch', 'sec-ch-ua-bitness', 'sec-ch-ua-full-version'],
    ...['sec-ch-ua-full-version-list', 'sec-ch-ua-mobile', 'sec-ch-ua-model'],
    ...['sec-ch-ua-platform', 'sec-ch-ua-platform-version', 'sec-ch-ua-wow64', 'keep-alive'],
    ...['content-length', 'content-type', 'date', 'expect', 'max-forwards', 'transfer-encoding'],
    // The way that the request took.
    ...['x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-ssl', 'x-real-ip'],
    ...['x-forwarded-protocol', 'x-url-scheme', 'x-client-ip', 'x-cluster-client-ip', 'via'],
    ...['true-client-ip', 'cf-connecting-ip', 'cf-ipcountry', 'cf-ray', 'cf-visitor', 'cdn-loop'],
    ...['fastly-client-ip', 'fly-client-ip', 'x-azure-clientip', 'x-envoy-external-address'],
    ...['front-end-https', 'x-envoy-expected-rq-timeout-ms', 'x-envoy-attempt-count'],
    // What requests are found again by.
    ...['traceparent', 'x-request-id', 'x-correlation-id', 'x-amzn-trace-id', 'x-request-start'],
    ...['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags', 'b3'],
    ...['x-cloud-trace-context', 'x-queue-start', 'fly-region', 'fly-request-id'],
  ],
  host: ['host', 'x-forwarded-host', 'x-forwarded-server', 'x-original-host'],
  url: [
    ...['referer', 'x-original-uri', 'x-original-url', 'x-forwarded-uri', 'x-rewrite-url'],
    ...['x-envoy-original-path', 'x-ms-original-url', 'x-forwarded-path', 'x-forwarded-prefix'],
    ...['x-replaced-path', 'x-script-name', 'x-waws-unencoded-url', 'x-request-uri'],
  ],
  origin: ['origin', 'sec-websocket-origin'],
  subprotocols: ['sec-websocket-protocol'],
  extensions: ['sec-websocket-extensions'],
  forwarded: ['forwarded'],
};

const FORM_BY_HEADER: ReadonlyMap<string, ValueForm> = new Map(
  (Object.keys(FORMS) as ValueForm[]).flatMap((form) =>
    FORMS[form].map((name): [string, ValueForm] => [name, form]),
  ),
);

/**
 * Parameters of URLs. Not among them: what names rooms, users and files, since a name that nobody can
 * guess is a key, and what holds URLs, such as noVNC's `path`.
 */
const PARAMETERS: ReadonlySet<string> = new Set([
  // Of protocols over WebSockets.
  ...['transport', 'eio', 'b64', 'v', 'vsn', 'version', 'api-version', 'protocol', 'format'],
  ...['encoding', 'compress', 'compression', 'binary', 'json', 'negotiateversion'],
  ...['clientprotocol', 'heartbeat', 'keepalive', 'timeout', 'reconnect', 'retry'],
  // Of terminals, screens and noVNC.
  ...['stdin', 'stdout', 'stderr', 'tty', 'follow', 'tail', 'taillines', 'sinceseconds'],
  ...['timestamps', 'rows', 'cols', 'width', 'height', 'dpi', 'fps', 'quality', 'resize', 'scale'],
  ...['autoconnect', 'shared', 'view_only', 'show_dot', 'bell', 'encrypt', 'logging'],
  // Of the echo: what it was asked for.
  ...['break', 'delay', 'jitter', 'throttle', 'fragment', 'burst', 'mute', 'no-pong', 'reject'],
  // Of everything else.
  ...['debug', 'lang', 'language', 'locale', 'theme', 'tz', 'timezone', 'page', 'limit', 'offset'],
  ...['sort', 'order', 'depth', 'interval'],
]);

/** Of extensions that are known, the parameters whose values are numbers (RFC 7692 §7.1). */
const EXTENSION_PARAMETERS: ReadonlySet<string> = new Set([
  ...['client_no_context_takeover', 'server_no_context_takeover'],
  ...['client_max_window_bits', 'server_max_window_bits'],
  ...['no_context_takeover', 'max_window_bits'],
]);

/** @param name in lower case @returns null when the value is to be hidden */
export function formOfHeader(name: string): ValueForm | null {
  return FORM_BY_HEADER.get(name) ?? null;
}

/** @param name in lower case, decoded */
export function isHarmlessParameter(name: string): boolean {
  return PARAMETERS.has(name);
}

export function isHarmlessExtensionParameter(name: string): boolean {
  return EXTENSION_PARAMETERS.has(name);
}
