import t from 'tap';
import { FORMATS, TEXT_FORMAT } from '../../../src/cli/convert/formats.js';
import { FORMAT_NAMES } from '../../../src/cli/convert/options.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const nothing = { tls: null, headers: { host: 'a' }, subprotocol: null, extensions: null };
const ends = { remote: '127.0.0.1:1', local: '127.0.0.1:2' };
const RECORDS: readonly AnyRecord[] = [
  { ev: 'file', v: 1, tool: 'twist', t: 1 },
  { ev: 'open', s: 'A', t: 1, id: 1, ...ends, url: '/', mode: 'echo', ...nothing },
  { ev: 'msg', s: 'A', t: 2, dir: 'in', op: 1, len: 300, wire: 308, data: 'x'.repeat(300) },
];

async function convert(
  name: string,
  isTerminal: boolean,
  spoolDir: string,
  isFull = false,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const output = {
    write: (piece: string | Uint8Array): undefined => {
      pieces.push(Buffer.from(piece));
    },
  };
  const text = { isCut: isTerminal, isFull, times: 'clock', hasColor: false } as const;
  const setting = { tool: 'twist/1.0.0', spoolDir, ...text };
  const converter = FORMATS.find((each) => each.name === name)!.make(output, setting);
  for (const record of RECORDS) {
    await converter.convert(record, Buffer.from(JSON.stringify(record)));
  }
  await converter.finish();
  return Buffer.concat(pieces);
}

t.test('each name gets its format', async (t) => {
  const folder = makeTempDir(t);
  t.same(
    FORMATS.map(({ name }) => name),
    FORMAT_NAMES,
  );
  t.equal(FORMATS[0], TEXT_FORMAT);
  const ndjson = (await convert('ndjson', false, folder)).toString();
  t.same(
    ndjson.split('\n').slice(0, -1),
    RECORDS.map((record) => JSON.stringify(record)),
  );
  t.match((await convert('text', false, folder)).toString(), /x{300}\n$/);
  t.match((await convert('text', true, folder)).toString(), /[^x]x{200}… \(\+100 bytes\)\n$/);
  t.match((await convert('text', false, folder, true)).toString(), /x{300}\n$/);
  t.match(JSON.parse((await convert('har', false, folder)).toString()), {
    log: { creator: { name: 'twist', version: '1.0.0' } },
  });
  t.equal((await convert('pcapng', false, folder)).readUInt32LE(0), 0x0a0d0d0a);
  t.match((await convert('novnc', false, folder)).toString(), 'VNC_frame');
});
