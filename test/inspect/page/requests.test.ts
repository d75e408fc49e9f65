import t from 'tap';
import { RequestFault, readRequest } from '../../../src/inspect/page/requests.js';

const read = (request: unknown): unknown => readRequest(JSON.stringify(request));

t.test('what a page may ask', async (t) => {
  const requests = [
    { ask: 'view', id: 1, filter: {} },
    {
      ask: 'view',
      id: 4_294_967_295,
      instead: 3,
      filter: {
        session: 'A',
        direction: 'in',
        kinds: ['text', 'gap'],
        minLength: 0,
        maxLength: 5,
        text: 'a',
        pattern: 'b',
        isCaseSensitive: true,
        since: 1.5,
        until: 2,
      },
    },
    { ask: 'view', id: 1, filter: { direction: 'out' } },
    { ask: 'forget', id: 1, view: 2 },
    { ask: 'rows', id: 1, view: 2, from: 0, count: 500 },
    { ask: 'rows', id: 1, view: 2, from: 3, count: 0, gone: 7 },
    { ask: 'place', id: 1, view: 2, t: 1.5 },
    { ask: 'place', id: 1, view: 2, n: 3 },
    { ask: 'find', id: 1, view: 2, text: 'a', from: -1 },
    {
      ask: 'find',
      id: 1,
      view: 2,
      pattern: 'a',
      isCaseSensitive: false,
      from: 3,
      isBackwards: true,
      gone: 0,
    },
    { ask: 'record', id: 1, n: 5 },
    { ask: 'strip', id: 1, buckets: 1 },
    { ask: 'strip', id: 1, session: 'A', since: 1, until: 2, buckets: 4000 },
    { ask: 'export', id: 1, view: 2, format: 'har' },
    { ask: 'export', id: 1, view: 2, format: 'ndjson', records: [1, 2] },
    { ask: 'end', id: 1, session: 'A', code: 1000, reason: '' },
    { ask: 'end', id: 1, session: 'A', code: 4999, reason: 'é'.repeat(61) },
  ];
  for (const request of requests) t.strictSame(read(request), request);
  t.strictSame(read({ ask: 'record', id: 1, n: 5, more: 1 }), { ask: 'record', id: 1, n: 5 });
});

t.test('what it may not', async (t) => {
  const view = { ask: 'view', id: 9, filter: {} };
  const rows = { ask: 'rows', id: 9, view: 1, from: 0, count: 1 };
  const find = { ask: 'find', id: 9, view: 1, text: 'a', from: 0 };
  const end = { ask: 'end', id: 9, session: 'A', code: 1000, reason: '' };
  const cases: readonly (readonly [request: unknown, id: number, fault: string])[] = [
    [null, 0, 'a request is a JSON object'],
    [[], 0, 'a request is a JSON object'],
    [5, 0, 'a request is a JSON object'],
    [{ ...view, id: -1 }, 0, '"id" must be a whole number from 0 to 4294967295'],
    [{ ...view, id: 2 ** 32 }, 0, '"id" must be a whole number from 0 to 4294967295'],
    [{ ...view, id: '1' }, 0, '"id" must be a whole number from 0 to 4294967295'],
    [
      { id: 9, ask: 'toString' },
      9,
      '"ask" must be view, forget, rows, place, find, record, strip, export or end',
    ],
    [{ ...view, filter: [] }, 9, '"filter" must be an object'],
    [{ ...view, filter: null }, 9, '"filter" must be an object'],
    [
      { ...view, filter: { kinds: ['file'] } },
      9,
      '"kinds" must be a list of text, binary, ping, pong, close, frame, count, target, open, end, gap',
    ],
    [
      { ...view, filter: { kinds: 'text' } },
      9,
      '"kinds" must be a list of text, binary, ping, pong, close, frame, count, target, open, end, gap',
    ],
    [{ ...view, filter: { direction: 'up' } }, 9, '"direction" must be in or out'],
    [
      { ...view, filter: { text: 'x'.repeat(1001) } },
      9,
      '"text" must be a text of at most 1000 characters',
    ],
    [{ ...view, filter: { session: 5 } }, 9, '"session" must be a text of at most 1000 characters'],
    [{ ...view, filter: { isCaseSensitive: 1 } }, 9, '"isCaseSensitive" must be true or false'],
    [{ ...view, filter: { since: '1' } }, 9, '"since" must be a number from 0 on'],
    [{ ...view, filter: { since: -1 } }, 9, '"since" must be a number from 0 on'],
    [{ ...rows, count: 501 }, 9, '"count" must be a whole number from 0 to 500'],
    [{ ...rows, from: -1 }, 9, '"from" must be a whole number from 0 on'],
    [{ ...rows, view: 1.5 }, 9, '"view" must be a whole number from 0 on'],
    [{ ...rows, gone: 'a' }, 9, '"gone" must be a whole number from 0 on'],
    [{ ask: 'place', id: 9, view: 1 }, 9, '"t" or "n" must be given'],
    [{ ...find, text: undefined }, 9, '"text" or "pattern" must be given'],
    [{ ...find, from: -2 }, 9, '"from" must be a whole number from -1 on'],
    [{ ask: 'strip', id: 9, buckets: 0 }, 9, '"buckets" must be a whole number from 1 to 4000'],
    [{ ask: 'strip', id: 9, buckets: 4001 }, 9, '"buckets" must be a whole number from 1 to 4000'],
    [{ ask: 'export', id: 9, view: 1, format: 'zip' }, 9, '"format" must be ndjson, har or pcapng'],
    [
      { ask: 'export', id: 9, view: 1, format: 'har', records: [-1] },
      9,
      '"records" must be a list of at most 10000 whole numbers',
    ],
    [
      { ask: 'export', id: 9, view: 1, format: 'har', records: Array(10_001).fill(1) },
      9,
      '"records" must be a list of at most 10000 whole numbers',
    ],
    [
      { ...end, code: 1005 },
      9,
      '"code" cannot be 1005: give 1000 to 1003, 1007 to 1014, or 3000 to 4999',
    ],
    [{ ...end, reason: 'é'.repeat(62) }, 9, '"reason" must have at most 123 bytes'],
    [{ ...end, session: undefined }, 9, '"session" must be a text of at most 1000 characters'],
  ];
  for (const [request, id, fault] of cases) {
    try {
      t.fail(`taken: ${JSON.stringify(read(request))}`);
    } catch (error) {
      t.ok(error instanceof RequestFault);
      t.match(error, { id, message: fault });
    }
  }
  t.throws(() => readRequest('{'), { message: 'a request is JSON', id: 0 });
});
