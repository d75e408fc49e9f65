import { Buffer } from 'node:buffer';
import vm from 'node:vm';
import t from 'tap';
import { ConvertError } from '../../../src/recording/convert/converter.js';
import { novncConverter } from '../../../src/recording/convert/novnc.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { convertRecords, KeptOutput, Recording } from '../../fixtures/recordings.js';

interface Script {
  readonly VNC_frame_encoding: unknown;
  readonly VNC_frame_data: readonly string[];
}

async function convert(records: Iterable<AnyRecord>): Promise<string> {
  return (await convertRecords(novncConverter, records)).toString();
}

function run(script: string): Script {
  const globals = {};
  vm.runInNewContext(script, globals);
  return globals as Script;
}

t.test('a session as a script', async (t) => {
  const recording = new Recording();
  const session = recording.session();
  session
    .binary('out', Buffer.from("RFB 003.008\n'\\"))
    .text('in', 'é')
    .control('in', 9)
    .target('connected', 'x')
    .pieces('out', 2, [Buffer.of(0), Buffer.alloc(0), Buffer.of(0x7f, 0xff)])
    .binary('in', Buffer.of(1), { cut: true, len: 2 })
    .close();
  recording.gap(1);
  t.equal(
    await convert(recording.records),
    [
      "var VNC_frame_encoding = 'binary';",
      'var VNC_frame_data = [',
      String.raw`'{1{RFB 003.008\x0a\x27\x5c',`,
      String.raw`'}2}\xc3\xa9',`,
      String.raw`'{5{\x00',`,
      "'{6{',",
      String.raw`'{7{\x7f\xff',`,
      String.raw`'}8}\x01',`,
      "'EOF'];\n",
    ].join('\n'),
  );
});

t.test('every byte arrives', async (t) => {
  const recording = new Recording();
  const bytes = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => index * 7));
  recording.session().binary('out', bytes);
  const { VNC_frame_encoding, VNC_frame_data } = run(await convert(recording.records));
  t.equal(VNC_frame_encoding, 'binary');
  t.equal(VNC_frame_data.length, 2);
  const [frame = ''] = VNC_frame_data;
  t.equal(frame.slice(0, 3), '{1{');
  t.ok(Buffer.from(frame.slice(3), 'latin1').equals(bytes));
});

t.test('no messages', async (t) => {
  t.strictSame([...run(await convert([])).VNC_frame_data], ['EOF']);
});

t.test('a session without its beginning: times begin with its first message', async (t) => {
  const recording = new Recording();
  recording.sessionWithoutOpen().text('out', 'a').text('out', 'b');
  t.strictSame([...run(await convert(recording.records)).VNC_frame_data], ['{0{a', '{1{b', 'EOF']);
});

t.test('one session', async (t) => {
  const recording = new Recording();
  recording.session().close();
  const idle = recording.session();
  const played = recording.session();
  recording.session();
  played.text('out', 'a');
  recording.session();
  idle.close();
  played.text('out', 'b').close();
  t.strictSame(
    [...run(await convert(recording.records)).VNC_frame_data],
    ['{2{a', '{5{b', 'EOF'],
    'those without messages do not count',
  );
  recording.session().text('in', 'x');
  await t.rejects(
    convert(recording.records),
    new ConvertError('noVNC plays one session: choose one with --session'),
  );
});

t.test('a payload from the server that was cut', async (t) => {
  const recording = new Recording();
  recording.session().text('out', 'a', { cut: true, len: 2 });
  const converter = novncConverter(new KeptOutput());
  t.throws(() => {
    for (const record of recording.records) void converter.convert(record, Buffer.alloc(0));
  }, new ConvertError('noVNC plays whole payloads: this recording has cut ones'));
});

t.test('what is there is written before the end', async (t) => {
  const output = new KeptOutput();
  const converter = novncConverter(output);
  const recording = new Recording();
  recording.session().text('out', 'hello');
  for (const record of recording.records) await converter.convert(record, Buffer.alloc(0));
  await converter.flush?.();
  t.match(output.bytes.toString(), 'hello');
});
