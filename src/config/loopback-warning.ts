import { formatListenAddress, type ListenAddress } from '../net/socket-address.js';
import { optionName } from './options/option-name.js';
import type { Provided } from './settings.js';

type Listen = Provided<readonly ListenAddress[]>;

/**
 * In an image, which presets an address that is reached from outside, `--listen 9001` listens where
 * nobody but the container itself gets to.
 * @param preset what a `TWIST_DEFAULT_LISTEN` says, if there is one
 * @returns what to tell whoever listens on the loopback interface only; null when all is well
 */
export function loopbackWarning(listen: Listen, preset: Listen | undefined): string | null {
  if (preset === undefined || listen.source === 'preset') return null;
  if (!listen.value.every(isLoopback) || preset.value.every(isLoopback)) return null;
  return (
    `${optionName('listen', listen)} is ${listen.value.map(formatListenAddress).join(',')}, which nothing outside of ` +
    `this machine or container can reach; :PORT is every address`
  );
}

function isLoopback(address: ListenAddress): boolean {
  // A socket in the file system is reached by whoever gets to see that.
  const host = address.kind === 'tcp' ? (address.host ?? '') : '';
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
