/** Why a server could not start, as one sentence. */
import { formatHostAndPort } from '../../net/socket-address.js';
import { ConfigError } from '../../errors.js';

/** What the system's error names mean to whoever starts a server. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use already',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'permission denied',
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'the path has too many symbolic links',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
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
  const { code, address, hostname, port, message } = error as ListenError;
  const host = address ?? hostname;
  const where = host === undefined ? '' : ` on ${hostAndPort(host, port)}`;
  return `cannot listen${where}: ${(code === undefined ? undefined : MEANINGS[code]) ?? message}`;
}

/** As it is written after `--listen`. A Unix socket has port -1, and a name not looked up has none. */
function hostAndPort(host: string, port: number | undefined): string {
  return port === undefined || port < 0 ? host : formatHostAndPort(host, port);
}
