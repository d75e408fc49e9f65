/** The proxy as a built-in mode: to one target, or to the target that belongs to a token. */
import { readFault } from '../../config/file.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings, ServerSettings } from '../../config/settings.js';
import { formatRouteMode } from '../../config/values/route-text.js';
import { parseTarget } from '../../net/socket-address.js';
import type { BuiltInMode, Files } from '../built-in.js';
import { readTargetCertificates } from './target-certificates.js';
import { NetTargetConnector } from './target-connector.js';
import { TcpMode, type TcpModeOptions } from './tcp-mode.js';
import { TokenFile, type TokenLog } from './tokens/token-file.js';
import { TokenModule, isTokenModule } from './tokens/token-module.js';
import { type TokenPlace, tokenPlace } from './tokens/token-place.js';

export const proxy: BuiltInMode<'tcp' | 'token'> = {
  // Each session also takes the target's descriptor.
  filesEach: 2,

  async prepare({ settings, values, files, log, reloadables, memory, targets }) {
    const certificates = readTargetCertificates(values, files);
    const place = tokenPlace(settings.tokenFrom, tokenPaths(settings));
    const module = await loadTokenModule(values, files, place, log);
    if (module === null) checkTokenFile(values, files);
    const connector = new NetTargetConnector({
      connectMs: settings.targetConnectTimeout,
      keepAliveMs: settings.targetKeepalive,
      allow: settings.targetAllow.length === 0 ? null : settings.targetAllow,
      proxyProtocol: settings.proxyProtocol,
      counters: targets,
      tls: {
        ...certificates,
        isInsecure: settings.targetInsecure,
        servername: settings.targetServername,
      },
    });
    return (asked) => {
      let findTarget: TcpModeOptions['findTarget'];
      let lookUp: TcpModeOptions['lookUp'];
      if (asked.kind === 'tcp') {
        findTarget = () => asked.target;
      } else {
        const tokens = module ?? new TokenFile(settings.tokenFile!, parseTarget, log, place);
        reloadables.push(tokens);
        // Read it now, so that faults are in the log from the start; it is read again when it changes.
        if (tokens instanceof TokenFile) {
          void tokens.refresh();
          lookUp = tokens.lookUp.bind(tokens);
        }
        findTarget = (request, peer, signal) => tokens.findTarget(request, peer, signal);
      }
      return new TcpMode({
        name: formatRouteMode(asked),
        findTarget,
        ...(lookUp === undefined ? {} : { lookUp }),
        connector,
        ...(memory === undefined ? {} : { memory }),
        isText: settings.tcpText,
        sendTimeout: settings.sendTimeout,
        closeTimeout: settings.closeTimeout,
      });
    };
  },
};

/** Paths that have a token behind them, or elsewhere. */
function tokenPaths({ route }: Pick<ServerSettings, 'route'>): string[] {
  return route.filter(({ mode }) => mode.kind === 'token').map(({ path }) => path);
}

/** @returns null when tokens are listed in a file, or there are none */
async function loadTokenModule(
  values: Pick<ProvidedServerSettings, 'tokenFile' | 'targetConnectTimeout'>,
  files: Files,
  place: TokenPlace,
  log: TokenLog,
): Promise<TokenModule | null> {
  const { tokenFile } = values;
  const path = tokenFile.value;
  if (path === null || !isTokenModule(path)) return null;
  const timeoutMs = values.targetConnectTimeout.value;
  return await TokenModule.load({ path, files, parseTarget, place, timeoutMs, log }, (fault) =>
    refuseTokenFile(tokenFile, fault),
  );
}

/** A file that is missing at the start is a mistake; one that vanishes later is reported in the log. */
function checkTokenFile(
  { tokenFile }: Pick<ProvidedServerSettings, 'tokenFile'>,
  files: Files,
): void {
  if (tokenFile.value === null) return;
  try {
    files.readFile(tokenFile.value);
  } catch (error) {
    // A directory of such files is accepted too.
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return;
    refuseTokenFile(tokenFile, readFault(error));
  }
}

function refuseTokenFile(tokenFile: ProvidedServerSettings['tokenFile'], fault: string): never {
  throw configError(
    `${optionName('tokenFile', tokenFile)} cannot be ${show(tokenFile.value)}: ${fault}`,
    tokenFile.source,
  );
}
