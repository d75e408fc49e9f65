/** What the operator writes: configuration, passwords, tokens. It is trusted, and may be long. */
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseJson } from '../../../src/config/json.js';
import { load } from '../../../src/config/load.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import { readObject } from '../../../src/config/read-object.js';
import { type Target, parseTarget } from '../../../src/net/socket-address.js';
import { addressesInHosts } from '../../../src/modes/tcp/names/hosts-file.js';
import { TokenFile } from '../../../src/modes/tcp/tokens/token-file.js';
import {
  TOKEN_IN_HOST,
  TOKEN_IN_QUERY,
  tokenInPath,
} from '../../../src/modes/tcp/tokens/token-place.js';
import { readTokenLines } from '../../../src/modes/tcp/tokens/token-lines.js';
import { readPasswordFile } from '../../../src/server/auth/password-file.js';
import type { CostCase, CostTable } from '../case.js';
import { flat, scratchDirectory } from '../material.js';

/** A refusal is an answer, too. */
function tried(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };

const HASH = `$2y$05$${'a'.repeat(53)}`;

/** Files of JSON: what is written before, what is repeated, and what comes after. */
const JSON_TEXTS: readonly (readonly [
  what: string,
  before: string,
  text: string,
  after: string,
])[] = [
  ['items', '[', '1,', '1]'],
  ['empty objects', '[', '{},', '{}]'],
  ['deep nesting', '', '[', ''],
  ['comments of a line', '', '// a\n', '1'],
  ['one comment', '/*', '* /', '*/ 1'],
  ['a comment that does not end', '/*', '*/*', ''],
  ['white space', '', ' \n', '1'],
  ['one text', '"', '\\u0061', '"'],
  ['a text that does not end', '"', '\\"', ''],
  ['digits', '1', '1', ''],
  ['a word', '', 'a', ''],
];

/** What `load` reads, given in a file. */
const loading = (text: string) => () =>
  tried(() => load({ flags: { config: 'twist.json' }, environment: {}, readFile: () => text }));

const numbered = (count: number, text: (number: number) => string): string[] =>
  Array.from({ length: count }, (_, number) => text(number));

const LOADED: readonly CostCase[] = [
  {
    name: 'a configuration of many keys that are unknown',
    also: ['config/read-object', 'config/messages'],
    count: 2000,
    prepare: (count) => loading(`{${numbered(count, (one) => `"k${one}":1`).join()}}`),
  },
  ...(
    [
      ['routes', 'routes', (one: number) => `"/r${one}":"echo"`, '{', '}'],
      [
        'ranges of addresses',
        'allow',
        (one: number) => `"10.0.${one >> 8}.${one & 255}"`,
        '[',
        ']',
      ],
      ['origins', 'origin', (one: number) => `"https://${one}.test"`, '[', ']'],
      ['hosts', 'allowedHosts', (one: number) => `"${one}.test"`, '[', ']'],
      ['subprotocols', 'subprotocol', (one: number) => `"p${one}"`, '[', ']'],
      ['proxies', 'trustProxy', (one: number) => `"10.0.${one >> 8}.${one & 255}"`, '[', ']'],
    ] as const
  ).map(([what, key, text, open, close]) => ({
    name: `a configuration of many ${what}`,
    also: ['config/values/values', 'config/values/list-values'],
    count: 500,
    prepare: (count: number) =>
      loading(`{"echo":true,"${key}":${open}${numbered(count, text).join()}${close}}`),
  })),
  {
    name: 'a configuration of many values of which each is wrong',
    also: ['config/messages'],
    count: 500,
    prepare: (count) => loading(`{"allow":[${numbered(count, (one) => `"no ${one}"`).join()}]}`),
  },
  {
    name: 'variables of the environment that are no options',
    also: ['config/text-sources', 'config/suggestions'],
    count: 200,
    prepare: (count) => {
      const environment = Object.fromEntries(
        numbered(count, (one) => `TWIST_X${one}`).map((name) => [name, '1']),
      );
      return () => tried(() => load({ flags: {}, environment, readFile: () => '' }));
    },
  },
];

export const CONFIG: CostTable = {
  'config/json': JSON_TEXTS.map(([what, before, text, after]) => ({
    name: `JSON: ${what}`,
    also: ['config/messages'],
    count: 20_000,
    prepare: (count) => {
      const whole = flat(before + text.repeat(count) + after);
      return () => tried(() => parseJson(whole));
    },
  })),
  'config/load': LOADED,
  'config/read-object': [
    {
      name: 'an object with keys that differ from those that there are by little',
      count: 1000,
      prepare: (count) => {
        const given = Object.fromEntries(
          numbered(count, (one) => `listen${one}`).map((key) => [key, 1]),
        );
        return () =>
          tried(() => readObject(OPTIONS, given, { source: 'call', from: 'serve', help: '' }));
      },
    },
  ],
  'server/auth/password-file': [
    {
      name: 'users of a password file',
      count: 5000,
      prepare: (count) => {
        const text = flat(numbered(count, (one) => `user${one}:${HASH}`).join('\n'));
        return () => readPasswordFile(text, 'users');
      },
    },
    {
      name: 'a password file of empty lines and of comments',
      count: 50_000,
      prepare: (count) => {
        const text = flat(`a:${HASH}\n${'\n#\n'.repeat(count)}`);
        return () => readPasswordFile(text, 'users');
      },
    },
    {
      name: 'a line of a password file that is one long hash',
      count: 100_000,
      prepare: (count) => {
        const text = `a:$2y$05$${'a'.repeat(count)}`;
        return () => tried(() => readPasswordFile(text, 'users'));
      },
    },
  ],
  'modes/tcp/tokens/token-lines': [
    ...(
      [
        ['lines', 'token: host:1\n'],
        ['lines of one token', 'a: host:1\n'],
        ['lines that are none', 'token\n'],
        ['carriage returns', '\r'],
        ['colons in one line', 'a:'],
        ['separators in one line', ': '],
        ['dots in one line', '.'],
        ['white space in one line', ' \t'],
        ['digits of a port', '1'],
      ] as const
    ).map(([what, text]) => ({
      name: `a token file: ${what}`,
      count: 2000,
      prepare: (count: number) => {
        const whole = `token: host:1${text.repeat(count)}`;
        return () => readTokenLines(whole, parseTarget, new Map());
      },
    })),
    {
      name: 'a token file: tokens that all differ',
      count: 1000,
      maxHeld: 600,
      prepare: (count) => {
        const whole = numbered(count, (one) => `token${one}: host:1`).join('\n');
        return async () => {
          const targets = new Map<string, Target>();
          await readTokenLines(whole, parseTarget, targets);
          return targets;
        };
      },
    },
  ],
  'modes/tcp/tokens/token-file': [
    {
      name: 'a directory of token files',
      count: 50,
      maxCount: 800,
      prepare: (count) => {
        const directory = path.join(scratchDirectory(), `tokens-${count}`);
        mkdirSync(directory, { recursive: true });
        for (let one = 0; one < count; one++)
          writeFileSync(path.join(directory, String(one)), `token${one}: host:${one + 1}`);
        return async () => {
          const tokens = new TokenFile(directory, parseTarget, QUIET);
          await tokens.refresh();
          await tokens.findTarget({ path: '/', query: 'token=token1', host: '' });
        };
      },
    },
    {
      name: 'unknown tokens, with a directory one file of which leads nowhere',
      count: 50,
      maxCount: 800,
      prepare: async (count) => {
        const directory = path.join(scratchDirectory(), `broken-${count}`);
        mkdirSync(directory, { recursive: true });
        for (let one = 0; one < count; one++) {
          const file = path.join(directory, String(one));
          writeFileSync(file, `token${one}: host:${one + 1}`);
          utimesSync(file, 0, 0);
        }
        rmSync(path.join(directory, 'broken'), { force: true });
        symlinkSync('nowhere', path.join(directory, 'broken'));
        const tokens = new TokenFile(directory, parseTarget, QUIET);
        await tokens.refresh();
        return async () => {
          for (let one = 0; one < 20; one++)
            await tokens
              .findTarget({ path: '/', query: `token=none${one}`, host: '' })
              .catch(() => null);
        };
      },
    },
  ],
  'modes/tcp/tokens/token-place': [
    ...(
      [
        ['parameters', '&token='],
        ['other parameters', '&a=b'],
        ['escapes', '&token=%0a'],
        ['line feeds', '%0A'],
        ['pluses', '+'],
        ['labels', 'a.'],
        ['slashes', '/'],
      ] as const
    ).map(([what, text]) => ({
      name: `where a token may be: ${what}`,
      count: 20_000,
      prepare: (count: number) => {
        const whole = text.repeat(count);
        const request = { path: `/${whole}`, query: `token=${whole}`, host: `${whole}test` };
        const inPath = tokenInPath(['/']);
        return () => [TOKEN_IN_QUERY, inPath, TOKEN_IN_HOST].map((place) => place.find(request));
      },
    })),
  ],
  'modes/tcp/names/hosts-file': [
    ...(
      [
        ['lines of one name', '192.0.2.1 name\n'],
        ['names in one line', ' name'],
        ['names after a comment', '# name\n'],
        ['names that only end so', '192.0.2.1 a-name\n'],
      ] as const
    ).map(([what, text]) => ({
      name: `a hosts file: ${what}`,
      count: 2000,
      prepare: (count: number) => {
        const whole = `192.0.2.1${text.repeat(count)}`;
        return () => addressesInHosts(whole, 'name');
      },
    })),
    {
      name: 'a hosts file: addresses of one name',
      count: 1000,
      prepare: (count) => {
        const whole = numbered(count, (one) => `10.0.${one >> 8}.${one & 255} name\n`).join('');
        return () => addressesInHosts(whole, 'name');
      },
    },
  ],
};
