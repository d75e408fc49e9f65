/** Which modes serve which paths, made from the settings. */
import { type RouteMode, formatRouteMode } from '../config/values/route-text.js';
import { parseTarget } from '../net/socket-address.js';
import type { ModeOnPath } from './server-options.js';
import { collectorMode } from '../modes/record.js';
import { echoMode } from '../modes/echo.js';
import type { Mode } from '../session/mode.js';
import { ReplayMode } from '../modes/replay/replay.js';
import { NetTargetConnector } from '../modes/tcp/target-connector.js';
import { TcpMode, type TcpModeOptions } from '../modes/tcp/tcp-mode.js';
import { TokenFile } from '../modes/tcp/token-file.js';
import type { Log } from '../log.js';
import type { Resources } from './resources/resources.js';
import { chosenMode } from './mode-choice.js';

/**
 * Makes the modes: one for each route, and the one for all other paths if it is chosen. Paths that are
 * to be served alike share one.
 */
export function modesOf(
  { settings, values, modules, replays, certificates }: Resources,
  log: Log,
): ModeOnPath[] {
  const connector = new NetTargetConnector({
    connectMs: settings.connectTimeout,
    keepAliveMs: settings.targetKeepalive,
    allow: settings.targetAllow.length === 0 ? null : settings.targetAllow,
    proxyProtocol: settings.proxyProtocol,
    tls: {
      ...certificates,
      isInsecure: settings.targetInsecure,
      servername: settings.targetServername,
    },
  });
  const proxy = (name: string, findTarget: TcpModeOptions['findTarget']): Mode =>
    new TcpMode({
      name,
      findTarget,
      connector,
      isText: settings.tcpText,
      sendTimeout: settings.sendTimeout,
      closeTimeout: settings.closeTimeout,
    });
  const make = (mode: RouteMode): Mode => {
    switch (mode.kind) {
      case 'echo':
        return echoMode;
      case 'tcp':
        return proxy(formatRouteMode(mode), () => mode.target);
      case 'token': {
        const tokens = new TokenFile(settings.tokenFile!, parseTarget, log);
        // So that faults are in the log from the start; it is read again when it changes.
        void tokens.refresh();
        return proxy(formatRouteMode(mode), (request) => tokens.findTarget(request));
      }
      case 'record':
        return collectorMode;
      case 'mode':
        return modules.modes.get(mode.file)!;
      case 'replay':
        return new ReplayMode({
          file: mode.file,
          ...replays.get(mode.file)!,
          speed: settings.speed,
          isStrict: settings.strict,
          log,
        });
    }
  };
  const made = new Map<string, Mode>();
  const modeOf = (mode: RouteMode): Mode => {
    const name = formatRouteMode(mode);
    const one = made.get(name) ?? make(mode);
    made.set(name, one);
    return one;
  };
  const modes: ModeOnPath[] = settings.route.map(({ path, mode }) => ({
    path,
    mode: modeOf(mode),
  }));
  const fallback = chosenMode(values);
  return fallback === null ? modes : [...modes, { path: null, mode: modeOf(fallback) }];
}
