import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseRecord } from '../../../src/recording/format/parse-record.js';
import { RECORDING_VERSION } from '../../../src/recording/format/record.js';

t.test(
  'the guide shows records of this version, and one of each kind but the rare ones',
  async (t) => {
    const guide = readFileSync(new URL('../../../docs/recording.md', import.meta.url), 'utf8');
    const [, example = ''] = /```json\n([^]*?)```/.exec(guide)!;
    const records = example.trimEnd().split('\n').map(parseRecord);
    for (const record of records) t.type(record, 'object', JSON.stringify(record));
    t.match(records[0], { ev: 'file', v: RECORDING_VERSION });
    const kinds = records.map((record) => (record as { ev: string }).ev);
    t.strictSame(kinds, ['file', 'open', 'target', 'msg', 'msg', 'ctl', 'close']);
  },
);
