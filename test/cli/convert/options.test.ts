import t from 'tap';
import { convertOptions, formatNames, optionGroups } from '../../../src/cli/convert/options.js';

t.test('options have groups, and values are named', async (t) => {
  const options = convertOptions();
  t.same(
    options.map((option) => option.attributeName()),
    [
      ...['to', 'out', 'time', 'full', 'color', 'legend', 'follow'],
      ...['session', 'path', 'since', 'until', 'limit', 'dir', 'kind', 'minSize', 'maxSize'],
      ...['text', 'grep', 'ignoreCase'],
    ],
  );
  for (const option of options) {
    t.ok(optionGroups().includes(option.helpGroupHeading ?? ''));
    const isSwitch = ['follow', 'full', 'legend', 'ignoreCase'].includes(option.attributeName());
    t.equal(option.required, !isSwitch);
  }
});

t.test('the groups, in the order of their first options', async (t) => {
  t.same(optionGroups(), ['Output', 'Input', 'Filters']);
});

t.test('the formats', async (t) => {
  t.equal(formatNames(), 'text, ndjson, har, pcapng or novnc');
});
