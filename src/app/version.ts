/** Put in place by the build. */
declare const TWIST_VERSION: string | undefined;

/** @returns the version of this build; `dev` when it runs from its sources */
export function version(): string {
  return typeof TWIST_VERSION === 'string' ? TWIST_VERSION : 'dev';
}
