/** Opens a page in the browser of whoever has started twist. */
import { spawn } from 'node:child_process';

/** What opens URLs on each kind of system. */
const OPENERS: Readonly<Record<string, string>> = { darwin: 'open', linux: 'xdg-open' };

/** Does nothing where there is no way to: the URL was shown. @param platform as Node calls it */
export function openBrowser(url: string, platform: string): void {
  const opener = OPENERS[platform];
  if (opener === undefined) return;
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
