/** How a session ended. */
import type { SessionRow } from '../../src/inspect/page-protocol.js';

type Close = NonNullable<SessionRow['close']>;

const BY = { client: 'The client closed it', server: 'The server closed it', lost: 'It was lost' };

export function CloseTag({ close }: { readonly close: SessionRow['close'] }) {
  if (close === undefined) return <span class="tag is-good">open</span>;
  const { code, rule } = close;
  return (
    <span class={`tag ${toneOf(close)}`} title={sentenceOf(close)}>
      {code}
      {rule !== undefined && ` ${rule}`}
    </span>
  );
}

/** With the rule that was broken, and where it is written. */
export function CloseText({ close }: { readonly close: Close }) {
  const { code, reason, codeSentence, rule, ruleSentence, ruleSection } = close;
  return (
    <p class="close-text">
      {BY[close.by]} with{' '}
      <strong class={toneOf(close)}>
        {code}
        {reason !== '' && ` “${reason}”`}
      </strong>
      : {codeSentence}
      {rule !== undefined && (
        <>
          {' '}
          Rule <code>{rule}</code>: {ruleSentence}{' '}
          {ruleSection !== undefined && <Section section={ruleSection} />}
        </>
      )}
    </p>
  );
}

/** Its text is elsewhere, where the page does not go by itself. */
function Section({ section }: { readonly section: string }) {
  const [, rfc, number] = /^RFC (\d+) §([\d.]+)/.exec(section) ?? [];
  if (rfc === undefined || number === undefined) return <>({section})</>;
  return (
    <a
      href={`https://www.rfc-editor.org/rfc/rfc${rfc}.html#section-${number}`}
      target="_blank"
      rel="noreferrer"
    >
      {section}
    </a>
  );
}

function sentenceOf({ codeSentence, reason, ruleSentence, ruleSection }: Close): string {
  return [
    codeSentence,
    reason === '' ? '' : `Reason: ${reason}`,
    ruleSentence ?? '',
    ruleSection ?? '',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function toneOf({ code, rule }: Close): string {
  if (rule !== undefined || code === 1002 || code === 1007) return 'is-bad';
  return code === 1000 || code === 1001 || code === 1005 ? '' : 'is-warning';
}
