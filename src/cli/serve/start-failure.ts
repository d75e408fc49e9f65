/** Why a server could not start, as one sentence. */
import { formatHostAndPort } from '../../net/socket-address.js';
import { ConfigError } from '../../errors.js';
import { systemReason } from '../../system-reason.js';

/** What some of the system's error names mean for the path of a Unix socket. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EINVAL: 'the path is too long for a Unix socket',
};

/** What a failed `listen` call leaves in its error. */
interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

/** Describes an error that `Server.start` threw. */
export function startFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { address, hostname, port } = error as ListenError;
  const host = address ?? hostname;
  const where = host === undefined ? '' : ` on ${hostAndPort(host, port)}`;
  return `cannot listen${where}: ${systemReason(error, MEANINGS)}`;
}

/** As it is written after `--listen`. A Unix socket has port -1, and a name not looked up has none. */
function hostAndPort(host: string, port: number | undefined): string {
  return port === undefined || port < 0 ? host : formatHostAndPort(host, port);
}
