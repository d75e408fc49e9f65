import t from 'tap';
import { PEER_RULES } from '../../../src/errors.js';
import { isSendableCloseCode } from '../../../src/protocol/close.js';
import { closeOf, codeSentence, explainRule } from '../../../src/inspect/views/explain.js';

t.test('every rule has a sentence and a section', async (t) => {
  const rules = [
    ...PEER_RULES,
    'close-timeout',
    'shutdown',
    'dropped-by-mode',
    'send-timeout',
    'memory',
  ];
  for (const rule of rules) {
    const { sentence, section } = explainRule(rule)!;
    t.match(sentence, /^[A-Z0-9][^()]*\.$/, rule);
    t.match(section, /^RFC (?:6455|7692) §\d+(?:\.\d+)*$/, rule);
  }
  t.strictSame(explainRule('frame-unmasked'), {
    sentence: 'Unmasked client frame.',
    section: 'RFC 6455 §5.1',
  });
  t.equal(explainRule('message-too-big')!.section, 'RFC 6455 §7.4.1');
  t.equal(explainRule('deflate-data')!.section, 'RFC 7692 §7.2.2');
  t.equal(explainRule('constructor'), null);
});

t.test('every code has a sentence', async (t) => {
  const sentences = new Set<string>();
  for (let code = 0; code <= 5000; code++) {
    const sentence = codeSentence(code);
    if (!/^[A-Z].*\.$/.test(sentence)) t.fail(`${code}: ${sentence}`);
    if (isSendableCloseCode(code) && code < 3000) sentences.add(sentence);
  }
  t.equal(sentences.size, 12, 'one of its own for each that is registered');
  t.match(codeSentence(4000), /application/);
  t.match(codeSentence(3500), /library/);
  t.match(codeSentence(1016), /no meaning/);
});

t.test('how a session ended', async (t) => {
  const close = { t: 1, by: 'server', code: 1002, reason: 'a\nb' } as const;
  t.strictSame(closeOf(close), { ...close, reason: 'a\\nb', codeSentence: codeSentence(1002) });
  t.match(closeOf({ ...close, rule: 'frame-unmasked' }), {
    rule: 'frame-unmasked',
    ruleSection: 'RFC 6455 §5.1',
  });
  const unknown = closeOf({ ...close, rule: 'of-tomorrow' });
  t.equal(unknown.rule, 'of-tomorrow');
  t.notOk('ruleSentence' in unknown);
});
