/** What a user most likely meant by a name that twist does not know. */
import { distance } from 'fastest-levenshtein';

/** What a user meant: an option, or something that takes a sentence to say. */
type Habit =
  | {
      readonly key: string;
      /** What stands for the value when none was given that would do. */
      readonly value: string;
    }
  | { readonly clause: string };

const TLS = 'for TLS give --tls-cert FILE and --tls-key FILE, both in PEM';
const PASSWORDS =
  'for a password set TWIST_AUTH=USER:PASSWORD or give --auth-file FILE; twist runs as the user that starts it';
const FOREGROUND =
  'twist stays in the foreground, as the user that starts it; a supervisor or a container does the rest';
const LOG_FILE = 'the log goes to standard error; 2>FILE writes it to a file';

/**
 * Names of options that other servers and clients have (websockify, websocat, ws, nginx, http-server and
 * the like), and what they are called here. No edit distance leads from `--port` to `--listen`.
 */
const HABIT_ROWS: readonly (readonly [names: string, habit: Habit])[] = [
  ['port p l listen-address listen-port', { key: 'listen', value: 'PORT' }],
  ['host hostname bind b address addr a ip interface H', { key: 'listen', value: 'HOST:PORT' }],
  ['listen-host bind-address', { key: 'listen', value: 'HOST:PORT' }],
  ['unix unix-listen unix-socket socket sock', { key: 'listen', value: 'unix:PATH' }],
  ['target backend upstream proxy proxy-pass forward', { key: 'tcp', value: 'HOST:PORT' }],
  ['connect destination remote vnc', { key: 'tcp', value: 'HOST:PORT' }],
  ['token token-plugin token-source target-config', { key: 'tokenFile', value: 'FILE' }],
  ['host-token', { key: 'tokenFrom', value: 'host' }],
  ['unix-listen-mode socket-mode chmod', { key: 'unixMode', value: 'MODE' }],
  ['trusted-proxies set-real-ip-from forwarded-allow-ips', { key: 'trustProxy', value: 'CIDR' }],
  ['verbose vv vvv debug d trace', { key: 'logLevel', value: 'debug' }],
  ['quiet q silent', { key: 'logLevel', value: 'warn' }],
  ['log', { key: 'logLevel', value: 'LEVEL' }],
  ['web w www root webroot public dir directory htdocs', { key: 'static', value: 'DIR' }],
  ['f conf config-file cfg settings', { key: 'config', value: 'FILE' }],
  ['path uri url endpoint location', { key: 'route', value: 'PATH=MODE' }],
  [
    'max-payload max-payload-length max-size max-message-size',
    { key: 'maxMessage', value: 'SIZE' },
  ],
  ['ws-max-size max-frame max-frame-size buffer-size', { key: 'maxMessage', value: 'SIZE' }],
  ['timeout', { key: 'idleTimeout', value: 'DURATION' }],
  ['ping heartbeat keepalive keep-alive', { key: 'pingInterval', value: 'DURATION' }],
  ['compress compression gzip per-message-deflate', { key: 'deflate', value: '' }],
  ['cors allow-origin allowed-origins check-origin', { key: 'origin', value: 'LIST' }],
  ['protocol protocols subprotocols', { key: 'subprotocol', value: 'LIST' }],
  ['o out output save dump capture', { key: 'record', value: 'FILE' }],
  ['max-clients max-conns', { key: 'maxConnections', value: 'N' }],
  ['threads cluster processes worker-processes num-workers', { key: 'workers', value: 'N' }],
  ['tls ssl https wss secure pem', { clause: TLS }],
  ['cert certificate cert-file ssl-cert ssl-certificate', { key: 'tlsCert', value: 'FILE' }],
  ['key key-file ssl-key ssl-certificate-key private-key', { key: 'tlsKey', value: 'FILE' }],
  ['ca client-ca cafile verify-client mtls', { key: 'tlsClientCa', value: 'FILE' }],
  [
    'ssl-only',
    { clause: 'with --tls-cert every address speaks TLS, but those with ws:// before them' },
  ],
  ['user username password basic-auth auth-plugin htpasswd', { clause: PASSWORDS }],
  ['daemon daemonize background D run-as group uid gid pid-file', { clause: FOREGROUND }],
  ['log-file error-log access-log', { clause: LOG_FILE }],
];

/** Options that had another name in an earlier version. The old one is refused wherever it is given. */
export const RENAMED: readonly (readonly [oldKey: string, key: string, value: string])[] = [
  ['session', 'replaySession', 'ID'],
  ['speed', 'replaySpeed', 'FACTOR'],
  ['strict', 'replayStrict', ''],
  ['connectTimeout', 'targetConnectTimeout', 'DURATION'],
];

const ROWS = [
  ...HABIT_ROWS,
  ...RENAMED.map(([oldKey, key, value]) => [oldKey, { key, value }] as const),
];

const HABITS: ReadonlyMap<string, Habit> = new Map(
  ROWS.flatMap(([names, habit]) => names.split(' ').map((name) => [plain(name), habit] as const)),
);

/** @param name of a flag, variable or key, without what all of them begin with; null for one that says nothing */
export function habitOf(name: string): Habit | null {
  return HABITS.get(plain(name)) ?? null;
}

/** Single letters are told apart by their case, words are not. */
function plain(name: string): string {
  return name.length === 1 ? name : name.replaceAll(/[-_]/g, '').toLowerCase();
}

/** More edits than this are another word, not a slip. */
const MAX_EDITS = 3;

/**
 * The one of `names` that `given` is most likely meant to be, or null when none is near. Case,
 * hyphens and underscores are not looked at: `max-message` means `maxMessage`.
 */
export function nearestName(given: string, names: readonly string[]): string | null {
  const plain = plainName(given);
  let nearest: string | null = null;
  // A third of the word at most: `tcp` is not a slip for `echo`.
  let fewest = Math.min(MAX_EDITS, plain.length / 3) + 1;
  for (const name of names) {
    const edits = distance(plain, plainName(name));
    if (edits < fewest) {
      fewest = edits;
      nearest = name;
    }
  }
  return nearest;
}

/** A question for the end of a message, or nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  const name = nearestName(given, names);
  return name === null ? '' : `; did you mean ${name}?`;
}

function plainName(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}
