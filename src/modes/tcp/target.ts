/** What a session of the proxy is connected to. */

/** A TCP service, one behind TLS, or a Unix socket; `text` is how it is written in the configuration. */
export type Target =
  | {
      readonly kind: 'tcp' | 'tls';
      readonly host: string;
      readonly port: number;
      readonly text: string;
    }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };
