/** Random frames, good and bad, cut anywhere: what they mean does not depend on the cuts. */
import fc from 'fast-check';
import t from 'tap';
import { encodeFrames, type TestFrame } from '../fixtures/frames.js';
import { findBrokenInvariant, type EndpointSetup } from './endpoint-invariants.js';
import { SEED, assertAllSeen, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';

const text = fc
  .string({ unit: 'binary', maxLength: 140 })
  .map((value) => new TextEncoder().encode(value));
const ascii = fc.string({ maxLength: 140 }).map((value) => new TextEncoder().encode(value));
const someBytes = fc.uint8Array({ maxLength: 140 });
const payload = fc.oneof(text, ascii, someBytes);
const controlPayload = payload.map((bytes) => bytes.subarray(0, 125));

const pingOrPong = fc.record({ opcode: fc.constantFrom(9, 10), payload: controlPayload });

const close = fc.oneof(
  fc.constant({ opcode: 8, payload: '' }),
  fc
    .tuple(fc.constantFrom(1000, 1001, 1005, 1007, 3000, 4999, 5000), controlPayload)
    .map(([code, reason]) => ({
      opcode: 8,
      payload: Uint8Array.of(code >> 8, code & 0xff, ...reason.subarray(0, 123)),
    })),
);

/** A message whose payload is cut into fragments, with or without control frames between them. */
const message = fc
  .record({
    opcode: fc.constantFrom(1, 2),
    payload: fc.oneof(text, ascii, someBytes),
    cuts: fc.array(fc.nat(140), { maxLength: 5 }),
    between: fc.array(pingOrPong, { maxLength: 3 }),
    rsv: fc.constantFrom(0, 0, 0, 4),
  })
  .map(({ opcode, payload, cuts, between, rsv }): readonly TestFrame[] => {
    const bounds = [0, ...cuts.map((cut) => Math.min(cut, payload.length)), payload.length];
    bounds.sort((a, b) => a - b);
    return bounds.slice(1).flatMap((end, index): readonly TestFrame[] => {
      const frame = {
        opcode: index === 0 ? opcode : 0,
        rsv: index === 0 ? rsv : 0,
        isFinal: index === bounds.length - 2,
        payload: payload.subarray(bounds[index], end),
      };
      const control = between[index];
      return control === undefined || frame.isFinal ? [frame] : [frame, control];
    });
  });

/** A frame that is wrong, or may be where it stands. */
const strangeFrame: fc.Arbitrary<TestFrame> = fc.oneof(
  fc.record({ opcode: fc.nat(15), payload, isFinal: fc.boolean() }),
  fc.record({ opcode: fc.nat(2), payload, isFinal: fc.boolean() }),
  fc.record({ opcode: fc.constantFrom(0, 1, 2, 8, 9, 10), payload, rsv: fc.nat(7) }),
  fc.record({ opcode: fc.constantFrom(1, 2), payload, form: fc.constantFrom(16, 64) }),
  fc.record({ opcode: fc.constantFrom(1, 2), payload, length: fc.bigInt(0n, 2n ** 64n - 1n) }),
  fc.record({ opcode: fc.constantFrom(1, 2), payload, isMasked: fc.boolean() }),
  fc.record({ opcode: fc.constantFrom(8, 9, 10), payload, length: fc.bigInt(0n, 300n) }),
  fc.record({ opcode: fc.constantFrom(8), payload: fc.uint8Array({ maxLength: 4 }) }),
);

const frames = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: message },
      { weight: 4, arbitrary: pingOrPong.map((frame) => [frame]) },
      { weight: 2, arbitrary: close.map((frame) => [frame]) },
      { weight: 4, arbitrary: strangeFrame.map((frame) => [frame]) },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((groups) => groups.flat());

/** One byte is changed, or bytes are put in or left out, at a place given as a share of the length. */
const place = fc.double({ min: 0, max: 1, noNaN: true });
const change = fc.record({ place, taken: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) });
const changes = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
);

const setups = fc.record({
  role: fc.constantFrom('server' as const, 'client' as const),
  delivery: fc.constantFrom('messages' as const, 'chunks' as const),
  maxMessage: fc.constantFrom(0, 60, 200, 65_536),
  maxFragments: fc.constantFrom(1, 3, 100),
  allowedRsv: fc.constantFrom(0, 4),
});

setFuzzTimeout(t);

t.test('frames and changed frames, cut anywhere', (t) => {
  const seen = new Set<string>();
  const property = fc.property(
    setups,
    frames,
    changes,
    fc.array(place, { maxLength: 8 }),
    ({ role, allowedRsv, ...options }, frames, changes, places) => {
      let bytes = encodeFrames(frames, role === 'server');
      for (const { place, taken, put } of changes) {
        const at = Math.floor(place * bytes.length);
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...put, ...bytes.subarray(at + taken));
      }
      const cuts = places.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b);
      const setup: EndpointSetup = {
        role,
        options,
        prepare: (endpoint) => {
          endpoint.allowedRsv = allowedRsv;
        },
      };
      const broken = findBrokenInvariant(bytes, cuts, setup, seen);
      if (broken !== null) throw new Error(broken);
    },
  );
  // Throws with the smallest case that fails, and with the seed that makes it again.
  const details = fc.check(property, { seed: SEED, numRuns: fuzzRuns(2000) });
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? 'no case fails');
  t.equal(details.numRuns, fuzzRuns(2000));
  assertAllSeen(t, seen);
  t.end();
});
