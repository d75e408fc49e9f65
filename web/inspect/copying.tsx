/** Puts the message that is shown where it can be pasted from. */
import { copyText } from '../shared/copy-text.js';
import { hexText } from '../shared/model/hex.js';
import type { Inspector } from './inspector.js';
import { targetOf, websocatLine } from './model/copy-as.js';
import { payloadOf } from './model/payload.js';

export type CopyForm = 'text' | 'hex' | 'websocat';

const NAMES = { text: 'The text', hex: 'The bytes as hex', websocat: 'A line for websocat' };

export async function copyPayload(inspector: Inspector, form: CopyForm): Promise<void> {
  const { record } = inspector;
  const payload = record === null ? null : payloadOf(record);
  if (record === null || payload === null) {
    inspector.tell('There is no payload to copy.');
    return;
  }
  const text = form === 'hex' ? hexText(payload.bytes) : payload.text;
  const copied =
    form === 'websocat'
      ? websocatLine(
          payload.bytes,
          payload.isText ? payload.text : null,
          await target(inspector, record.row.s),
        )
      : text;
  const isDone = await copyText(copied);
  const note = payload.missing > 0 ? ' It is not all of the message: the rest is not here.' : '';
  inspector.tell(
    isDone ? `${NAMES[form]} is copied.${note}` : 'The browser did not let it be copied.',
  );
}

async function target({ sessions, link }: Inspector, session: string) {
  const known = sessions.get(session);
  const open =
    known?.openRecord === undefined
      ? null
      : await link.ask({ ask: 'record', n: known.openRecord }).catch(() => null);
  return targetOf(open?.record ?? { url: known?.url ?? '/', local: location.hostname });
}
