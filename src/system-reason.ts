/** The one table of what the system's error names mean, to people who named a file or an address. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a directory',
  ESPIPE: 'it is not a regular file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'the path has too many symbolic links',
  EBADF: 'it is not open for that',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EFBIG: 'it would become too large',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  EADDRINUSE: 'the address is in use already',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
};

/**
 * @param special what some names mean where the error occurred
 * @returns the cause in words; the name of the error if it has none, and the message if it has no name
 */
export function systemReason(
  error: unknown,
  special: Readonly<Record<string, string>> = {},
): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : (special[code] ?? MEANINGS[code] ?? code);
}
