import fc from 'fast-check';
import t from 'tap';
import { type ExtensionOffer, parseExtensionHeader } from '../../../src/extensions/header.js';
import {
  MAX_WINDOW_BITS,
  MIN_WINDOW_BITS,
  answerOffer,
  type DeflateParameterPolicy,
  type DeflateParameters,
} from '../../../src/extensions/permessage-deflate/parameters.js';
import { Mismatches } from '../../fixtures/mismatches.js';

const ANY: DeflateParameterPolicy = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
};

/** All that an operator can say. */
const POLICIES = [8, 9, 10, 11, 12, 13, 14, 15].flatMap((serverMaxWindowBits) =>
  [8, 9, 10, 11, 12, 13, 14, 15].flatMap((clientMaxWindowBits) =>
    [false, true].flatMap((serverNoContextTakeover) =>
      [false, true].map((clientNoContextTakeover) => ({
        serverMaxWindowBits,
        clientMaxWindowBits,
        serverNoContextTakeover,
        clientNoContextTakeover,
      })),
    ),
  ),
);

function offerOf(...params: readonly string[]): ExtensionOffer {
  const header = ['permessage-deflate', ...params].join('; ');
  const offers = parseExtensionHeader([header]);
  if (offers?.length !== 1) throw new Error(`not one offer: ${header}`);
  return offers[0]!;
}

const answer = (header: string, policy = ANY): DeflateParameters | null =>
  answerOffer(offerOf(...header.split('; ').slice(1)), policy);

t.test('the smallest and the largest window (RFC 7692 §7.1.2)', async (t) => {
  t.equal(MIN_WINDOW_BITS, 8);
  t.equal(MAX_WINDOW_BITS, 15);
});

t.test('some offers and their whole answers', async (t) => {
  t.strictSame(answer('permessage-deflate'), {
    serverWindowBits: 15,
    clientWindowBits: 15,
    hasServerTakeover: true,
    hasClientTakeover: true,
    response: 'permessage-deflate',
  });
  // As browsers offer it.
  t.strictSame(
    answer('permessage-deflate; client_max_window_bits'),
    answer('permessage-deflate'),
    'nothing needs to be said of the largest window',
  );
  t.strictSame(
    answer('permessage-deflate; client_max_window_bits', { ...ANY, clientMaxWindowBits: 12 }),
    {
      serverWindowBits: 15,
      clientWindowBits: 12,
      hasServerTakeover: true,
      hasClientTakeover: true,
      response: 'permessage-deflate; client_max_window_bits=12',
    },
  );
  t.strictSame(
    answer(
      'permessage-deflate; client_max_window_bits=10; server_max_window_bits="9"; ' +
        'client_no_context_takeover; server_no_context_takeover',
    ),
    {
      serverWindowBits: 9,
      clientWindowBits: 10,
      hasServerTakeover: false,
      hasClientTakeover: false,
      response:
        'permessage-deflate; server_no_context_takeover; client_no_context_takeover; ' +
        'server_max_window_bits=9; client_max_window_bits=10',
    },
  );
  t.strictSame(
    answer('permessage-deflate', {
      serverMaxWindowBits: 8,
      clientMaxWindowBits: 8,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    }),
    {
      serverWindowBits: 8,
      clientWindowBits: 15,
      hasServerTakeover: false,
      hasClientTakeover: false,
      response: 'permessage-deflate; client_no_context_takeover',
    },
    'what was not offered is only kept to, but for the one that may be asked for',
  );
});

// ---- Truth tables

/** One way to write a parameter, or not to: what it says, or that the offer has to be declined. */
interface Form {
  readonly params: readonly string[];
  readonly isValid: boolean;
  readonly isOffered: boolean;
  /** The number, 15 where there is none. */
  readonly bits: number;
}

const ABSENT: Form = { params: [], isValid: true, isOffered: false, bits: 15 };

const valid = (params: string, bits = 15): Form => ({
  params: [params],
  isValid: true,
  isOffered: true,
  bits,
});

const invalid = (...params: string[]): Form => ({
  params,
  isValid: false,
  isOffered: true,
  bits: Number.NaN,
});

/** Values of a window that are none: only `8` to `15`, without leading zeros (RFC 7692 §7.1.2). */
const NO_WINDOWS = [
  '0',
  '1',
  '7',
  '16',
  '17',
  '-9',
  '+9',
  '08',
  '010',
  '0010',
  '9.0',
  '8.5',
  '9.5',
  '14.99',
  '1e1',
  '0xa',
  '0b1010',
  '1_0',
  '10a',
  'a',
  'Infinity',
  'NaN',
  'null',
  'true',
  '99999999999999999999',
];

function windowForms(name: string): Form[] {
  const bits = [8, 9, 10, 11, 12, 13, 14, 15];
  return [
    ABSENT,
    ...bits.map((value) => valid(`${name}=${value}`, value)),
    ...bits.map((value) => valid(`${name}="${value}"`, value)),
    valid(`${name} = "1\\0"`, 10),
    ...NO_WINDOWS.map((value) => invalid(`${name}=${value}`)),
    ...NO_WINDOWS.map((value) => invalid(`${name}="${value}"`)),
    invalid(`${name}=10`, `${name}=10`),
    invalid(`${name}=10`, `${name}=11`),
    invalid(`${name}=10`, `${name}="10"`),
    invalid(`${name}=10`, name),
    invalid(name, `${name}=10`),
  ];
}

const takeoverForms = (name: string): Form[] => [
  ABSENT,
  valid(name),
  invalid(`${name}=1`),
  invalid(`${name}="1"`),
  invalid(`${name}=true`),
  invalid(`${name}=${name}`),
  invalid(name, name),
  invalid(name, `${name}=1`),
];

const FORMS = {
  serverNoContextTakeover: takeoverForms('server_no_context_takeover'),
  clientNoContextTakeover: takeoverForms('client_no_context_takeover'),
  serverMaxWindowBits: [
    ...windowForms('server_max_window_bits'),
    // This one has a value (§7.1.2.1).
    invalid('server_max_window_bits'),
  ],
  clientMaxWindowBits: [
    ...windowForms('client_max_window_bits'),
    // This one need not have one (§7.1.2.2).
    valid('client_max_window_bits'),
    invalid('client_max_window_bits', 'client_max_window_bits'),
  ],
} as const;

/** The answer in one line. */
const shown = (given: DeflateParameters | null): string =>
  given === null
    ? 'declined'
    : [
        given.serverWindowBits,
        given.clientWindowBits,
        given.hasServerTakeover ? 'server takeover' : 'server forgets',
        given.hasClientTakeover ? 'client takeover' : 'client forgets',
        given.response,
      ].join(', ');

interface Combination {
  readonly serverTakeover: Form;
  readonly clientTakeover: Form;
  readonly serverWindow: Form;
  readonly clientWindow: Form;
}

function* combinations(isWanted: (form: Form) => boolean): Generator<Combination> {
  for (const serverTakeover of FORMS.serverNoContextTakeover.filter(isWanted))
    for (const clientTakeover of FORMS.clientNoContextTakeover.filter(isWanted))
      for (const serverWindow of FORMS.serverMaxWindowBits.filter(isWanted))
        for (const clientWindow of FORMS.clientMaxWindowBits.filter(isWanted))
          yield { serverTakeover, clientTakeover, serverWindow, clientWindow };
}

const formsOf = (combination: Combination): readonly Form[] => [
  combination.serverTakeover,
  combination.clientTakeover,
  combination.serverWindow,
  combination.clientWindow,
];

/** What twist says to an offer in which everything is valid. */
function expected(
  { serverTakeover, clientTakeover, serverWindow, clientWindow }: Combination,
  policy: DeflateParameterPolicy,
): string {
  const serverBits = Math.min(serverWindow.bits, policy.serverMaxWindowBits);
  const clientBits = clientWindow.isOffered
    ? Math.min(clientWindow.bits, policy.clientMaxWindowBits)
    : 15;
  const doesServerForget = serverTakeover.isOffered || policy.serverNoContextTakeover;
  const doesClientForget = clientTakeover.isOffered || policy.clientNoContextTakeover;
  return shown({
    serverWindowBits: serverBits,
    clientWindowBits: clientBits,
    hasServerTakeover: !doesServerForget,
    hasClientTakeover: !doesClientForget,
    response: [
      'permessage-deflate',
      ...(serverTakeover.isOffered ? ['server_no_context_takeover'] : []),
      ...(doesClientForget ? ['client_no_context_takeover'] : []),
      ...(serverWindow.isOffered ? [`server_max_window_bits=${serverBits}`] : []),
      ...(clientBits < 15 ? [`client_max_window_bits=${clientBits}`] : []),
    ].join('; '),
  });
}

t.test('everything that may be offered, with everything an operator may say', async (t) => {
  // One way to write each value is enough here.
  const isPlain = (form: Form): boolean => form.isValid && !form.params.join().includes('"');
  const mismatches = new Mismatches();
  for (const combination of combinations(isPlain)) {
    const offer = offerOf(...formsOf(combination).flatMap(({ params }) => params));
    for (const policy of POLICIES) {
      mismatches.compare(
        shown(answerOffer(offer, policy)),
        expected(combination, policy),
        () => `${JSON.stringify(offer)} ${JSON.stringify(policy)}`,
      );
    }
  }
  mismatches.assertNone(t, 2 * 2 * 9 * 10 * POLICIES.length, 'valid offers');
});

t.test('one parameter that is no good spoils the offer, whatever the others are', async (t) => {
  const isAnswered = (combination: Combination): boolean =>
    formsOf(combination).every((form) => form.isValid);
  const policy = { ...ANY, serverMaxWindowBits: 11, clientMaxWindowBits: 12 };
  const mismatches = new Mismatches();
  let offerCount = 0;
  for (const combination of combinations(() => true)) {
    const offer = offerOf(...formsOf(combination).flatMap(({ params }) => params));
    offerCount++;
    mismatches.compare(
      shown(answerOffer(offer, policy)),
      isAnswered(combination) ? expected(combination, policy) : 'declined',
      () => JSON.stringify(offer),
    );
  }
  const { serverMaxWindowBits, clientMaxWindowBits } = FORMS;
  t.equal(offerCount, 8 * 8 * serverMaxWindowBits.length * clientMaxWindowBits.length);
  mismatches.assertNone(t, offerCount, 'all offers');
});

t.test('each way to write one parameter, alone', async (t) => {
  for (const forms of Object.values(FORMS)) {
    for (const { params, isValid } of forms) {
      const given = answerOffer(offerOf(...params), ANY);
      t.equal(given !== null, isValid, params.join('; '));
    }
  }
});

t.test('a value that is empty, or not there behind its sign, is no header at all', async (t) => {
  for (const value of ['', '""']) {
    t.equal(parseExtensionHeader([`permessage-deflate; server_max_window_bits=${value}`]), null);
  }
  // Who makes an offer without the parser gets the same answer.
  for (const name of ['server_max_window_bits', 'client_max_window_bits']) {
    for (const value of ['', ' ', ' 9', '9 ', '\t9', '9\n']) {
      const offer = { name: 'permessage-deflate', params: [{ name, value }] };
      t.equal(answerOffer(offer, ANY), null, JSON.stringify(value));
    }
  }
});

t.test('parameters that RFC 7692 does not know', async (t) => {
  for (const params of [
    ['foo'],
    ['foo=1'],
    ['server_max_window_bits=10', 'foo'],
    ['foo', 'server_max_window_bits=10'],
    ['client_max_window_bits', 'foo=10'],
    // The names are written as in the RFC.
    ['Server_max_window_bits=10'],
    ['CLIENT_MAX_WINDOW_BITS'],
    ['server-max-window-bits=10'],
    ['server_max_window_bits_=10'],
    ['max_window_bits=10'],
    ['no_context_takeover'],
    ['constructor'],
    ['__proto__=10'],
    ['hasClientMaxWindowBits'],
  ]) {
    t.equal(answerOffer(offerOf(...params), ANY), null, params.join('; '));
  }
});

// ---- The rules, restated

const NAMES = [
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits',
  'client_max_window_bits',
];

const someParam = fc.record({
  name: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 1, arbitrary: fc.constantFrom('foo', 'Server_max_window_bits') },
  ),
  value: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    { weight: 8, arbitrary: fc.integer({ min: 8, max: 15 }).map(String) },
    { weight: 1, arbitrary: fc.integer({ min: -1, max: 40 }).map(String) },
    { weight: 1, arbitrary: fc.constantFrom(...NO_WINDOWS) },
  ),
});

/** Most lists of anything have to be declined; these do not, unless a value is wrong. */
const goodParams = fc
  .tuple(
    fc.constantFrom(null, 'server_no_context_takeover'),
    fc.constantFrom(null, 'client_no_context_takeover'),
    fc.option(fc.integer({ min: 8, max: 15 })),
    fc.option(fc.constantFrom('bare', '8', '9', '10', '11', '12', '13', '14', '15')),
  )
  .map(([first, second, serverBits, clientBits]) => [
    ...[first, second].flatMap((name) => (name === null ? [] : [{ name, value: null }])),
    ...(serverBits === null ? [] : [{ name: NAMES[2]!, value: String(serverBits) }]),
    ...(clientBits === null
      ? []
      : [{ name: NAMES[3]!, value: clientBits === 'bare' ? null : clientBits }]),
  ]);

const someOffer = fc
  .oneof(
    goodParams.chain((params) => fc.shuffledSubarray(params, { minLength: params.length })),
    fc.array(someParam, { maxLength: 5 }),
  )
  .map((params): ExtensionOffer => ({ name: 'permessage-deflate', params }));

const somePolicy = fc.record({
  serverMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  serverNoContextTakeover: fc.boolean(),
  clientNoContextTakeover: fc.boolean(),
});

/** A decimal number from 8 to 15 without leading zeros. */
const isWindow = (value: string | null): boolean => /^([89]|1[0-5])$/.test(value ?? '');

/** Whether RFC 7692 §7 wants an offer declined. */
function hasToBeDeclined({ params }: ExtensionOffer): boolean {
  return params.some(({ name, value }, index) => {
    if (params.findIndex((other) => other.name === name) !== index) return true;
    if (name === 'server_max_window_bits') return !isWindow(value);
    if (name === 'client_max_window_bits') return value !== null && !isWindow(value);
    return value !== null || !NAMES.includes(name);
  });
}

type Check = (isRight: boolean, rule: string) => void;
/** The value of a parameter; undefined when it is not there. */
type Find = (name: string) => string | null | undefined;

const finder =
  (params: ExtensionOffer['params']): Find =>
  (name) =>
    params.find((param) => param.name === name)?.value;

/** What a client that reads its response by RFC 7692 §7.1 finds wrong with it. */
function findFaults(
  { params }: ExtensionOffer,
  policy: DeflateParameterPolicy,
  given: DeflateParameters,
): string[] {
  const faults: string[] = [];
  const check: Check = (isRight, rule) => {
    if (!isRight) faults.push(rule);
  };
  const elements = parseExtensionHeader([given.response]) ?? [];
  check(elements.length === 1, 'one element');
  check(elements[0]?.name === 'permessage-deflate', 'of the name that was offered');
  const answered = elements[0]?.params ?? [];
  const names = answered.map(({ name }) => name);
  check(new Set(names).size === names.length, 'no parameter twice');
  check(
    names.every((name) => NAMES.includes(name)),
    'known parameters',
  );
  checkTakeovers(finder(params), finder(answered), policy, given, check);
  checkServerWindow(finder(params), finder(answered), policy, given, check);
  checkClientWindow(finder(params), finder(answered), policy, given, check);
  return faults;
}

function checkTakeovers(
  inOffer: Find,
  inResponse: Find,
  policy: DeflateParameterPolicy,
  given: DeflateParameters,
  check: Check,
): void {
  const server = inResponse('server_no_context_takeover');
  const client = inResponse('client_no_context_takeover');
  check(server === undefined || server === null, '§7.1.1.1 has no value');
  check(client === undefined || client === null, '§7.1.1.2 has no value');
  const isServerAsked = inOffer('server_no_context_takeover') !== undefined;
  check((server !== undefined) === isServerAsked, '§7.1.1.1 is answered when it was offered');
  check(!isServerAsked || !given.hasServerTakeover, '§7.1.1.1 is kept to');
  check(!policy.serverNoContextTakeover || !given.hasServerTakeover, 'the operator, of us');
  const isClientAsked = inOffer('client_no_context_takeover') !== undefined;
  check(
    (client !== undefined) === (isClientAsked || policy.clientNoContextTakeover),
    '§7.1.1.2 is answered when it was offered, or is wanted',
  );
  // A client that was not told may use its history, so we must keep it.
  check(client !== undefined || given.hasClientTakeover, 'what a client may refer to is kept');
}

function checkServerWindow(
  inOffer: Find,
  inResponse: Find,
  policy: DeflateParameterPolicy,
  { serverWindowBits }: DeflateParameters,
  check: Check,
): void {
  const offered = inOffer('server_max_window_bits');
  const answered = inResponse('server_max_window_bits');
  check(
    (answered === undefined) === (offered === undefined),
    '§7.1.2.1 is answered when it was offered',
  );
  if (answered !== undefined) {
    check(isWindow(answered), '§7.1.2.1 has a value');
    check(Number(answered) <= Number(offered), '§7.1.2.1 is not enlarged');
    check(serverWindowBits <= Number(answered), '§7.1.2.1 is kept to');
  }
  check(isWindow(String(serverWindowBits)), 'a window');
  check(serverWindowBits <= policy.serverMaxWindowBits, 'the operator, of our window');
}

function checkClientWindow(
  inOffer: Find,
  inResponse: Find,
  policy: DeflateParameterPolicy,
  { clientWindowBits }: DeflateParameters,
  check: Check,
): void {
  const offered = inOffer('client_max_window_bits');
  const answered = inResponse('client_max_window_bits');
  if (answered !== undefined) {
    check(isWindow(answered), '§7.1.2.2 has a value');
    check(offered !== undefined, '§7.1.2.2 is not answered unless it was offered');
    check(Number(answered) <= Number(offered ?? 15), '§7.1.2.2 is not enlarged');
  }
  check(clientWindowBits >= Number(answered ?? 15), 'what a client may refer to is in our window');
  check(isWindow(String(clientWindowBits)), 'a window');
  check(
    offered === undefined || clientWindowBits <= policy.clientMaxWindowBits,
    "the operator, of the client's window",
  );
}

t.test('every answer to every offer obeys RFC 7692 §7.1', async (t) => {
  const seen = { answered: 0, declined: 0 };
  fc.assert(
    fc.property(someOffer, somePolicy, (offer, policy) => {
      const given = answerOffer(offer, policy);
      if (hasToBeDeclined(offer)) {
        seen.declined++;
        return given === null;
      }
      seen.answered++;
      if (given === null) throw new Error('declined without a reason');
      const faults = findFaults(offer, policy, given);
      if (faults.length > 0) throw new Error(`${given.response}: ${faults.join(', ')}`);
      return true;
    }),
    { numRuns: 5_000, seed: 7692 },
  );
  t.ok(seen.answered > 1000, `${seen.answered} answered`);
  t.ok(seen.declined > 1000, `${seen.declined} declined`);
});

t.test('the checker of answers finds what is wrong', async (t) => {
  const good = answer('permessage-deflate; client_max_window_bits=12; server_max_window_bits=11')!;
  const offer = offerOf('client_max_window_bits=12', 'server_max_window_bits=11');
  t.strictSame(findFaults(offer, ANY, good), []);
  const bare = 'permessage-deflate; server_max_window_bits=11';
  const table: readonly (readonly [
    fault: string,
    change: Partial<DeflateParameters>,
    offer?: ExtensionOffer,
    policy?: DeflateParameterPolicy,
  ])[] = [
    ['one element', { response: `${bare}, foo` }],
    ['of the name that was offered', { response: 'foo' }],
    ['no parameter twice', { response: `${good.response}; client_max_window_bits=12` }],
    ['known parameters', { response: `${bare}; foo` }],
    ['§7.1.1.1 has no value', { response: `${bare}; server_no_context_takeover=1` }],
    ['§7.1.1.1 is answered when it was offered', {}, offerOf('server_no_context_takeover')],
    ['§7.1.1.1 is kept to', {}, offerOf('server_no_context_takeover')],
    ['the operator, of us', {}, offer, { ...ANY, serverNoContextTakeover: true }],
    ['§7.1.1.2 has no value', { response: `${bare}; client_no_context_takeover=1` }],
    ['§7.1.1.2 is answered when it was offered, or is wanted', {}, offerOf(NAMES[1]!)],
    [
      '§7.1.1.2 is answered when it was offered, or is wanted',
      {},
      offer,
      { ...ANY, clientNoContextTakeover: true },
    ],
    ['what a client may refer to is kept', { hasClientTakeover: false }],
    ['§7.1.2.1 is answered when it was offered', { response: 'permessage-deflate' }],
    ['§7.1.2.1 is answered when it was offered', {}, offerOf('client_max_window_bits')],
    ['§7.1.2.1 has a value', { response: 'permessage-deflate; server_max_window_bits' }],
    ['§7.1.2.1 is not enlarged', { response: 'permessage-deflate; server_max_window_bits=12' }],
    ['§7.1.2.1 is kept to', { serverWindowBits: 12 }],
    ['a window', { serverWindowBits: 7 }],
    ['the operator, of our window', {}, offer, { ...ANY, serverMaxWindowBits: 10 }],
    ['§7.1.2.2 has a value', { response: `${bare}; client_max_window_bits` }],
    ['§7.1.2.2 is not answered unless it was offered', {}, offerOf('server_max_window_bits=11')],
    ['§7.1.2.2 is not enlarged', { response: `${bare}; client_max_window_bits=13` }],
    ['what a client may refer to is in our window', { clientWindowBits: 11 }],
    ['a window', { clientWindowBits: 16 }],
    ["the operator, of the client's window", {}, offer, { ...ANY, clientMaxWindowBits: 11 }],
  ];
  for (const [fault, change, offered = offer, policy = ANY] of table) {
    const faults = findFaults(offered, policy, { ...good, ...change });
    t.ok(faults.includes(fault), `${fault}: ${faults.join(', ')}`);
  }
});
