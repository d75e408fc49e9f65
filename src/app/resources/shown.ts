/** What of requests is shown in recordings, and to the clients that have sent them. */
import type { ServerSettings } from '../../config/settings.js';
import type { KnownHarmless, KnownSecret } from '../../handshake/redaction/redaction.js';
import { tokensIn } from '../server-options.js';

/** What the operator has named is no secret of a client's. */
export function shownOf(settings: ServerSettings): KnownHarmless & KnownSecret {
  const { recordHeaders, recordQuery, subprotocol, route } = settings;
  return {
    tokensIn: tokensIn(settings),
    headers: recordHeaders,
    query: recordQuery,
    subprotocols: typeof subprotocol === 'string' ? [] : subprotocol,
    paths: route.map(({ path }) => path),
  };
}

/** What the clients of an echo are told of their own requests. */
export function toldOf(settings: ServerSettings): KnownHarmless & KnownSecret {
  return settings.echoRequest === 'full' ? { headers: '*', query: '*' } : shownOf(settings);
}
