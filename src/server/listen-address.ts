/** Where a listener is bound: a TCP port (`host` null means every address) or a Unix socket. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };
