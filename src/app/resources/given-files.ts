/** The files that options name: none is served to clients, and some should not be open to other users. */
import { statSync } from 'node:fs';
import { optionName } from '../../config/messages.js';
import type {
  ProvidedServerSettings,
  ProvidedSettings,
  ServerSettings,
  Settings,
} from '../../config/settings.js';
import type { PrivatePaths } from '../../http/private-files.js';

/** Permissions of users who neither own a file nor are in its group. */
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;

/** What `--static` must not serve, wherever it is. */
export function privatePaths(settings: ServerSettings & Partial<Settings>): PrivatePaths {
  const {
    config = null,
    authFile,
    tokenFile,
    targetCa,
    targetCert,
    targetKey,
    tlsKeyPassphraseFile,
    tlsClientCa,
    tlsKeylog,
    mode,
    replay,
  } = settings;
  const files = [config, authFile, tokenFile, targetCa, targetCert, targetKey, mode, replay];
  files.push(tlsKeyPassphraseFile, tlsClientCa, tlsKeylog);
  files.push(...settings.extension, ...settings.tlsCert, ...settings.tlsKey);
  for (const route of settings.route) if ('file' in route.mode) files.push(route.mode.file);
  for (const address of settings.listen) if (address.kind === 'unix') files.push(address.path);
  return { files: files.filter((file) => file !== null), recording: settings.record };
}

/** What every server has; a command has a configuration file too. */
type Values = Pick<
  ProvidedServerSettings,
  'authFile' | 'tokenFile' | 'targetKey' | 'mode' | 'tlsKey' | 'tlsKeyPassphraseFile'
> &
  Partial<Pick<ProvidedSettings, 'config'>>;

type Key = keyof Values;

/** What other users of this machine could do, as sentences. */
export function permissionWarnings(
  values: Values,
  statOf: (file: string) => { readonly mode: number } = statSync,
): string[] {
  const secret: readonly Key[] = ['authFile', 'targetKey', 'tlsKey', 'tlsKeyPassphraseFile'];
  const trusted: readonly Key[] = [...secret, 'tokenFile', 'config', 'mode'];
  return trusted.flatMap((key) => {
    const { [key]: provided } = values;
    return filesOf(provided?.value).flatMap((file) => {
      const mode = modeOf(file, statOf);
      const canWrite = (mode & OTHERS_WRITE) !== 0;
      const canRead = secret.includes(key) && (mode & OTHERS_READ) !== 0;
      if (!canWrite && !canRead) return [];
      const name = `${optionName(key, provided!)} ${JSON.stringify(file)}`;
      return [
        `${name} can be ${canWrite ? 'changed' : 'read'} by every user of this machine; chmod ${canRead ? 'o-rw' : 'o-w'} it`,
      ];
    });
  });
}

function filesOf(value: string | readonly string[] | null | undefined): readonly string[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

function modeOf(file: string, statOf: (file: string) => { readonly mode: number }): number {
  try {
    return statOf(file).mode;
  } catch {
    // Whoever reads it says what is wrong.
    return 0;
  }
}
