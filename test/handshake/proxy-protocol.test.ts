import { Buffer } from 'node:buffer';
import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import oracle from 'proxy-protocol-js';
import t, { type Test } from 'tap';
import { HandshakeError, InvalidStateError } from '../../src/errors.js';
import type { PeerAddress } from '../../src/net/socket-address.js';
import { ProxyHeaderParser } from '../../src/handshake/proxy-protocol.js';
import { bytesOfHex } from '../fixtures/hex.js';
import { byteByByte, everyCut, piecesOf } from '../fixtures/splits.js';

const SIGNATURE = '0d0a0d0a 000d0a51 5549540a';

/** What became of some bytes. */
interface Verdict {
  readonly client: PeerAddress | null;
  /** Up to the end of the header; -1: more is needed; null: it was refused. */
  readonly end: number | null;
}

function read(bytes: Uint8Array, cuts: readonly number[] = []): Verdict {
  const parser = new ProxyHeaderParser();
  let taken = 0;
  for (const piece of piecesOf(bytes, cuts)) {
    const chunk = Buffer.concat([Buffer.from('PRO'), piece, Buffer.from('XY\r\n')]);
    try {
      const next = parser.receive(chunk, 3, 3 + piece.length);
      if (next !== -1) return { client: parser.client, end: taken + next - 3 };
    } catch (error) {
      if (!(error instanceof HandshakeError) || error.rule !== 'proxy-header') throw error;
      return { client: null, end: null };
    }
    taken += piece.length;
    chunk.fill(0xa5);
  }
  return { client: null, end: -1 };
}

/** Reads in every way to cut once, byte by byte, and with bytes behind. */
function readEveryWay(t: Test, bytes: Uint8Array): Verdict {
  const verdict = read(bytes);
  const others = [...everyCut(bytes.length), byteByByte(bytes.length)].map((cuts) =>
    read(bytes, cuts),
  );
  if (verdict.end !== -1) others.push(read(Buffer.concat([bytes, Buffer.from('GET / HTTP')])));
  t.strictSame(
    others,
    others.map(() => verdict),
    'the verdict is the same for every split',
  );
  return verdict;
}

const line = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** A header of version 2 with as many bytes behind the fixed part as it says. */
const v2 = (command: string, family: string, body: string): Uint8Array => {
  const bytes = bytesOfHex(body);
  const length = bytes.length.toString(16).padStart(4, '0');
  return Buffer.concat([bytesOfHex(`${SIGNATURE} ${command} ${family} ${length}`), bytes]);
};

const IPV4_BODY = 'c0000201 c6336401 dc04 01bb';
const IPV6_BODY = `20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff`;
const TLV = '04 0003 616263';

const IPV4 = { remoteAddress: '192.0.2.1', remotePort: 56_324 };
const IPV6 = { remoteAddress: '2001:db8::1', remotePort: 1 };

t.test('PROXY protocol §2.1: version 1', async (t) => {
  const longest = 'ffff:f...f:ffff'.replace('f...f', Array(6).fill('ffff').join(':'));
  for (const [text, client] of [
    ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n', IPV4],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', null],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n', IPV6],
    ['PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::2 1 0\r\n', IPV6],
    [`PROXY TCP6 ${longest} ${longest} 65535 65535\r\n`, null],
    [
      'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 0 443\r\n',
      { remoteAddress: '192.0.2.1', remotePort: 0 },
    ],
  ] as const) {
    const verdict = readEveryWay(t, line(text));
    t.equal(verdict.end, text.length, text);
    if (client !== null) t.strictSame(verdict.client, client);
    else t.equal(verdict.client?.remotePort, 65_535);
  }
});

t.test('§2.1: UNKNOWN keeps the address of the connection, whatever follows', async (t) => {
  const worst = `PROXY UNKNOWN ${Array(2).fill(Array(8).fill('ffff').join(':')).join(' ')} 65535 65535\r\n`;
  t.equal(worst.length, 107, 'the longest line');
  for (const text of [
    'PROXY UNKNOWN\r\n',
    'PROXY UNKNOWN \r\n',
    'PROXY UNKNOWN anything \xff\0 at all\r\n',
    worst,
  ]) {
    const kept = { client: null, end: text.length };
    t.strictSame(readEveryWay(t, line(text)), kept, JSON.stringify(text));
  }
});

t.test('§2.1: anything else is refused', async (t) => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXYTCP4 ',
    'PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1\t198.51.100.1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1\r\n',
    'PROXY TCP4 192.0.2.1\r\n',
    'PROXY TCP4\r\n',
    'PROXY \r\n',
    'PROXY tcp4 192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100 56324 443\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.1 56324 443\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP6 ::1 198.51.100.1 1 2\r\n',
    'PROXY TCP6 ::1%eth0 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 4a\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1  443\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\rX',
    'PROXY UNKNOWN \n',
    'PROXY UNKNOWN \r\r',
  ]) {
    t.equal(readEveryWay(t, line(text)).end, null, JSON.stringify(text));
  }
});

t.test('§2.1: a line of more than 107 bytes is refused at the byte that shows it', async (t) => {
  const endless = `PROXY UNKNOWN ${'x'.repeat(200)}`;
  t.equal(read(line(endless.slice(0, 106))).end, -1);
  t.equal(readEveryWay(t, line(endless.slice(0, 107))).end, null);
  t.equal(readEveryWay(t, line(`${endless.slice(0, 105)}\r\n`)).end, 107);
  t.equal(readEveryWay(t, line(`${endless.slice(0, 106)}\r`)).end, null);
});

t.test('§2.2: version 2', async (t) => {
  for (const [bytes, client] of [
    [v2('21', '11', IPV4_BODY), IPV4],
    [v2('21', '11', IPV4_BODY + TLV), IPV4],
    [v2('21', '21', IPV6_BODY), IPV6],
    [v2('21', '21', IPV6_BODY + TLV), IPV6],
    // LOCAL: health checks of the proxy; the family is ignored.
    [v2('20', '00', ''), null],
    [v2('20', '11', IPV4_BODY), null],
    [v2('20', '11', ''), null],
    [v2('20', 'ff', TLV), null],
    // Unspecified families, Unix sockets and datagrams.
    [v2('21', '00', ''), null],
    [v2('21', '00', TLV), null],
    [v2('21', '01', TLV), null],
    [v2('21', '10', IPV4_BODY), null],
    [v2('21', '12', IPV4_BODY), null],
    [v2('21', '22', IPV6_BODY), null],
    [v2('21', '31', '61'.repeat(216)), null],
    [v2('21', '32', '61'.repeat(216)), null],
  ] as const) {
    t.strictSame(readEveryWay(t, bytes), { client, end: bytes.length });
  }
});

t.test('§2.2: what is not version 2 is refused', async (t) => {
  for (const [name, bytes] of [
    ['another signature', bytesOfHex('0d0a0d0a 000d0a51 5549540d')],
    ['version 1', v2('11', '11', IPV4_BODY)],
    ['version 3', v2('31', '11', IPV4_BODY)],
    ['another command', v2('22', '11', IPV4_BODY)],
    ['another family', v2('21', '41', IPV4_BODY)],
    ['another protocol', v2('21', '13', IPV4_BODY)],
    ['IPv4 cut short', v2('21', '11', IPV4_BODY.slice(0, -2))],
    ['IPv6 cut short', v2('21', '21', IPV6_BODY.slice(0, -2))],
    ['IPv6 with the length of IPv4', v2('21', '21', IPV4_BODY)],
    ['a Unix path cut short', v2('21', '31', '61'.repeat(215))],
    ['a datagram cut short', v2('21', '12', '')],
  ] as const) {
    t.equal(readEveryWay(t, bytes).end, null, name);
  }
});

t.test('what follows the addresses has a bound', async (t) => {
  const most = v2('21', '11', IPV4_BODY + '00'.repeat(4096 - 12));
  t.strictSame(read(most), { client: IPV4, end: 16 + 4096 });
  t.strictSame(read(most, byteByByte(most.length)), { client: IPV4, end: 16 + 4096 });
  // Refused by what it says, before it comes.
  const more = bytesOfHex(`${SIGNATURE} 21 11 1001`);
  t.equal(readEveryWay(t, more).end, null);
  t.equal(readEveryWay(t, bytesOfHex(`${SIGNATURE} 20 00 ffff`)).end, null);
});

t.test('every prefix of a header waits for more', async (t) => {
  for (const bytes of [
    line('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n'),
    v2('21', '21', IPV6_BODY + TLV),
  ]) {
    for (let length = 0; length < bytes.length; length += 1) {
      t.equal(read(bytes.subarray(0, length)).end, -1);
    }
  }
});

t.test('whether anything came, and the end of its use', async (t) => {
  const parser = new ProxyHeaderParser();
  t.notOk(parser.hasReceivedBytes);
  t.equal(parser.receive(line('PROXY'), 0, 0), -1);
  t.notOk(parser.hasReceivedBytes);
  t.equal(parser.receive(line('PROXY'), 0, 5), -1);
  t.ok(parser.hasReceivedBytes);
  t.equal(parser.client, null);
  t.equal(parser.receive(line(' UNKNOWN\r\n'), 0, 10), 10);
  const over = new InvalidStateError('the PROXY header is already over');
  t.throws(() => parser.receive(line('P'), 0, 1), over);
  const refused = new ProxyHeaderParser();
  t.throws(() => refused.receive(line('X'), 0, 1), new HandshakeError('proxy-header'));
  t.throws(() => refused.receive(line('X'), 0, 1), over);
});

// ---- Against another implementation

const { INETProtocol, Peer, V1ProxyProtocol, V2ProxyProtocol, Command, TransportProtocol } = oracle;
const { IPv4ProxyAddress, IPv6ProxyAddress, IPv4Address, IPv6Address } = oracle;

const port = fc.nat(65_535);
const octets = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(255), { minLength: length, maxLength: length });

/** What the other implementation writes for a client. */
interface Written {
  readonly header: Uint8Array;
  readonly address: string;
  readonly port: number;
}

const version1 = fc
  .tuple(fc.oneof(fc.tuple(fc.ipV4(), fc.ipV4()), fc.tuple(fc.ipV6(), fc.ipV6())), port, port)
  .map(([[source, target], from, to]): Written => {
    const protocol = isIPv4(source) ? INETProtocol.TCP4 : INETProtocol.TCP6;
    const made = new V1ProxyProtocol(protocol, new Peer(source, from), new Peer(target, to));
    return { header: line(made.build()), address: source, port: from };
  });

const version2 = fc
  .tuple(fc.oneof(octets(4), octets(16)), port, port)
  .map(([source, from, to]): Written => {
    const addresses =
      source.length === 4
        ? new IPv4ProxyAddress(
            IPv4Address.createFrom(source),
            from,
            IPv4Address.createFrom(source),
            to,
          )
        : new IPv6ProxyAddress(
            IPv6Address.createFrom(source),
            from,
            IPv6Address.createFrom(source),
            to,
          );
    const made = new V2ProxyProtocol(Command.PROXY, TransportProtocol.STREAM, addresses);
    const pairs = Buffer.from(source).toString('hex').match(/..../g);
    const address = source.length === 4 ? source.join('.') : pairs!.join(':');
    return { header: made.build(), address, port: from };
  });

const written = fc.oneof(version1, version2);

/** Whether two texts are the same address, as Node reads them. */
function isSame(one: string, other: string): boolean {
  const list = new BlockList();
  const family = (text: string): 'ipv4' | 'ipv6' => (isIPv4(text) ? 'ipv4' : 'ipv6');
  list.addAddress(one, family(one));
  return list.check(other, family(other));
}

t.test('headers that another implementation writes are read, however they are cut', async (t) => {
  let count = 0;
  const cutting = fc.array(fc.nat(60), { maxLength: 5 });
  fc.assert(
    fc.property(written, cutting, fc.string(), ({ header, address, port }, cuts, behind) => {
      const bytes = Buffer.concat([header, line(behind)]);
      const sorted = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
      const { client, end } = read(bytes, sorted);
      count += 1;
      return (
        end === header.length &&
        client!.remotePort === port &&
        isSame(client!.remoteAddress, address)
      );
    }),
    { numRuns: 1000 },
  );
  t.ok(count >= 1000);
});

/** The client's port as the other implementation reads it; null where it refuses. */
function readElsewhere(bytes: Uint8Array): number | null {
  try {
    if (bytes[0] === 0x50)
      return V1ProxyProtocol.parse(Buffer.from(bytes).toString('latin1')).source.port;
    const { proxyAddress } = V2ProxyProtocol.parse(bytes);
    return proxyAddress instanceof IPv4ProxyAddress || proxyAddress instanceof IPv6ProxyAddress
      ? proxyAddress.sourcePort
      : null;
  } catch {
    return null;
  }
}

t.test(
  'no mutation is accepted that another implementation refuses or reads otherwise',
  async (t) => {
    const mutation = fc.record({
      at: fc.nat(60),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(0x20, 0x0d, 0x0a, 0x30, 0x3a, 0x2e)),
      kind: fc.constantFrom('set', 'insert', 'remove'),
    });
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(written, mutations, ({ header }, changes) => {
        const mutated = [...header];
        for (const { at, byte, kind } of changes) {
          const added = kind === 'remove' ? [] : [byte];
          mutated.splice(at % mutated.length, kind === 'insert' ? 0 : 1, ...added);
        }
        const bytes = Uint8Array.from(mutated);
        const { client, end } = read(bytes);
        if (end === null) refused += 1;
        if (client === null) return true;
        accepted += 1;
        return readElsewhere(bytes) === client.remotePort;
      }),
      { numRuns: 5000 },
    );
    t.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);
  },
);
