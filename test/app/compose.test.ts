import path from 'node:path';
import t from 'tap';
import * as recording from '../../src/app/resources/recording.js';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { LETS_IN_ALL } from '../fixtures/logins.js';
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { checkComposition, compose } from '../../src/app/compose.js';
import type { Inspector } from '../../src/app/inspect/inspector.js';
import type { Resources } from '../../src/app/resources/resources.js';
import { load } from '../../src/config/load.js';
import type { Flags } from '../../src/config/text-sources.js';
import { type RouteMode, formatRouteMode } from '../../src/config/values/route-text.js';
import { TargetCounters } from '../../src/modes/tcp/target-counters.js';
import type { Mode } from '../../src/session/mode.js';
import { askHttp } from '../fixtures/ask-http.js';
import { ClientLines } from '../../src/server/log/client-lines.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import type { ServerGroup } from '../../src/server/server-group.js';
import { eventually } from '../fixtures/within.js';

const mute: Mode = { name: 'mute', delivery: 'messages' };

function resourcesOf(flags: Flags): Resources {
  const { settings, values } = load({
    flags: { listen: ['127.0.0.1:0'], ...flags },
    environment: {},
    readFile: () => '',
  });
  return {
    settings,
    values,
    modules: { modes: new Map([['mute.mjs', mute]]), extensions: [] },
    makeMode: (asked) => ({ name: formatRouteMode(asked), delivery: 'messages' }),
    authenticator: null,
    memory: new MemoryAccount(),
    targets: new TargetCounters(),
    tls: null,
    reloadables: [],
    modeReloadables: [],
    recording,
    clientLog: new ClientLines(new KeptLog(), 0),
  };
}

t.test('nothing is touched before the start; then it listens and records', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const log = new KeptLog();
  const { server, filesEach, start, close } = compose(resourcesOf({ echo: true, record }), log);
  t.equal(filesEach, 1);
  t.notOk(existsSync(record));
  await start();
  t.match(server.urls, [/^ws:\/\/127\.0\.0\.1:\d+$/]);
  // It is open now; the first line follows with the first batch.
  t.ok(existsSync(record));
  await eventually(
    () => readFileSync(record, 'utf8').startsWith('{"v":1,"ev":"file"'),
    'the header',
  );
  await server.stop();
  await close();
  t.match(log.find('recording ended'), [{ level: 'info' }]);
});

t.test(
  'without a recording there is no recorder; a proxied session keeps two files open',
  async (t) => {
    const { server, recorder, filesEach, start } = compose(
      resourcesOf({ tcp: 'a:1' }),
      new KeptLog(),
    );
    t.equal(recorder, null);
    t.equal(filesEach, 2);
    await start();
    await server.stop();
  },
);

t.test('whoever inspects starts before the server and ends after it', async (t) => {
  const calls: string[] = [];
  const inspector: Inspector = {
    feed: { lost: 0, take: () => undefined },
    onEnd: () => 'nobody ends sessions yet',
    start: () => {
      calls.push(`start, ${composed.server.urls.length} addresses`);
      return Promise.resolve();
    },
    reload: () => {
      calls.push('reload');
    },
    close: () => {
      calls.push('close');
      return Promise.resolve();
    },
  };
  const composed = compose(
    resourcesOf({ inspect: '9002', static: makeTempDir(t) }),
    new KeptLog(),
    null,
    null,
    [],
    inspector,
  );
  t.equal(composed.filesEach, 2);
  t.equal(composed.recorder?.findProblems().length, 0, 'there is a recorder, without a file');
  t.equal(inspector.onEnd('nobody', 1000, ''), 'this session is not open any more');
  await composed.start();
  await composed.reload();
  await composed.server.stop();
  await composed.close();
  t.strictSame(calls, ['start, 0 addresses', 'reload', 'close']);
});

t.test('a start that fails gives up what it had, and leaves the recording alone', async (t) => {
  const directory = makeTempDir(t);
  const record = path.join(directory, 'traffic.ndjson');
  writeFileSync(record, '{"ev":"ms');
  for (const flags of [{ record }, {}]) {
    const { start } = compose(
      resourcesOf({ echo: true, listen: ['unix:/missing/twist.sock'], ...flags }),
      new KeptLog(),
    );
    await t.rejects(start(), {
      name: 'ConfigError',
      source: null,
      message: 'cannot listen on unix:/missing/twist.sock: there is no directory /missing',
    });
  }
  t.equal(readFileSync(record, 'utf8'), '{"ev":"ms');
  t.strictSame(readdirSync(directory), ['traffic.ndjson']);
});

t.test('a check makes the server, and starts nothing', async (t) => {
  const directory = makeTempDir(t);
  const record = path.join(directory, 'traffic.ndjson');
  const log = new KeptLog();
  checkComposition(
    resourcesOf({ echo: true, record, listen: [`unix:${directory}/a`, '127.0.0.1:0'] }),
    log,
  );
  t.strictSame(readdirSync(directory), []);
  for (const [flags, clause] of [
    [{ listen: [`unix:/tmp`] }, 'the file exists and is not a socket'],
    [{ static: record }, 'there is no such directory'],
  ] as const) {
    t.throws(
      () => {
        checkComposition(resourcesOf({ echo: true, ...flags }), log);
      },
      { name: 'ConfigError', message: new RegExp(clause) },
    );
  }
});

t.test('one mode for every path, or for those that have no route', async (t) => {
  for (const [flags, served] of [
    [{ echo: true }, 'echo'],
    [{ tcp: 'unix:/a' }, 'tcp:unix:/a'],
    [{ mode: 'mute.mjs' }, 'mute'],
    [{ replay: 'a.ndjson' }, 'replay:a.ndjson'],
    [{ record: path.join(makeTempDir(t), 'a.ndjson') }, 'record'],
    [{ route: ['/a=echo'] }, '/a=echo'],
    [{ route: ['/a=echo', '/b=mode:mute.mjs'], tcp: 'c:1' }, '/a=echo /b=mute tcp:c:1'],
  ] as const) {
    const log = new KeptLog();
    const { server, recorder, start } = compose(resourcesOf(flags), log);
    await start();
    t.match(log.find('listening'), [{ fields: { mode: served } }]);
    await server.stop();
    await recorder?.close();
  }
});

t.test('paths that are served alike share a mode', async (t) => {
  const asked: string[] = [];
  const route = ['/b=tcp:c:1', '/d=mode:mute.mjs', '/e=tcp:c:1', '/f=tcp:c:2', '/g=mode:mute.mjs'];
  const resources: Resources = {
    ...resourcesOf({ route, tcp: 'c:1' }),
    makeMode: (one) => {
      asked.push(formatRouteMode(one));
      return mute;
    },
  };
  t.equal(compose(resources, new KeptLog()).filesEach, 2);
  t.strictSame(asked, ['tcp:c:1', 'tcp:c:2']);
});

t.test('a reload reads everything again and opens the recording anew', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const log = new KeptLog();
  let count = 0;
  const users = { what: 'passwords', reload: () => Promise.resolve(`${++count} users`) };
  const { server, recorder, reloadCounters, reload, start } = compose(
    { ...resourcesOf({ echo: true, record }), reloadables: [users] },
    log,
  );
  // Asked for while it starts, it comes after the start.
  const early = reload();
  await start();
  await early;
  t.equal(count, 1);
  renameSync(record, `${record}.1`);
  await reload();
  t.ok(existsSync(record));
  t.strictSame(
    log.lines.map(({ message }) => message).filter((message) => message.startsWith('reloaded')),
    ['reloaded: passwords (1 users)', 'reloaded: passwords (2 users)'],
  );
  await server.stop();
  await reload();
  t.equal(count, 2);
  t.strictSame(reloadCounters, { succeeded: 2, failed: 0 });
  t.equal(log.find('not reloaded: the server is stopping').length, 1);
  await recorder!.close();
});

t.test(
  'the admin endpoint is there from before the first listener to after the last record',
  async (t) => {
    const record = path.join(makeTempDir(t), 'traffic.ndjson');
    const { server, admin, start, close } = compose(
      {
        ...resourcesOf({ echo: true, record, admin: '0' }),
        authenticator: LETS_IN_ALL,
      },
      new KeptLog(),
    );
    t.strictSame(server.findProblems(), ['not listening yet']);
    await start();
    t.teardown(close);
    const port = Number(new URL(admin!.url).port);
    t.match(await askHttp(t, port, '/readyz'), { status: 200, body: 'ready\n' });
    t.match((await askHttp(t, port, '/metrics')).body, /^twist_build_info\{version="dev",node="v/m);
    const draining = 'draining: the server is shutting down\n';
    await server.stop();
    t.match(await askHttp(t, port, '/readyz'), { status: 503, body: draining });
    await close();
    await t.rejects(askHttp(t, port, '/readyz'), { code: 'ECONNREFUSED' });
  },
);

t.test('an admin port that is taken keeps the server from starting', async (t) => {
  const first = compose(resourcesOf({ echo: true, admin: '0' }), new KeptLog());
  await first.start();
  t.teardown(async () => {
    await first.server.stop();
    await first.close();
  });
  const address = new URL(first.admin!.url).host;
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const second = compose(resourcesOf({ echo: true, record, admin: address }), new KeptLog());
  await t.rejects(second.start(), {
    name: 'ConfigError',
    message: `cannot listen on ${address} for the admin endpoint: the address is in use already`,
  });
  t.strictSame(second.server.urls, []);
  t.notOk(existsSync(record));
});

t.test(
  'a reload of the configuration serves other routes, with the modes that there are',
  async (t) => {
    const log = new KeptLog();
    const resources = resourcesOf({ route: ['/a=tcp:c:1', '/b=echo'] });
    let flags: Flags = {};
    const made: string[] = [];
    const makeMode = (asked: { readonly kind: string }): Mode => {
      const name = formatRouteMode(asked as RouteMode);
      made.push(name);
      return { name, delivery: 'messages' };
    };
    const load = (): Resources => resourcesOf(flags);
    const files = {
      readFile: () => '',
      importFile: () => Promise.reject(new Error('nothing is imported')),
    };
    const rereading = { load: () => ({ ...load(), warnings: [] }), files };
    const { server, reload, start } = compose({ ...resources, makeMode }, log, rereading);
    await start();
    t.teardown(() => server.stop());
    t.strictSame(made.splice(0), ['tcp:c:1', 'echo']);

    const message = async (next: Flags): Promise<string> => {
      flags = next;
      await reload();
      return log.lines.at(-1)!.message;
    };
    const routes = ['/a=tcp:c:1', '/c=echo', '/d=tcp:c:2'];
    t.equal(await message({ route: routes }), 'reloaded: configuration (routes)');
    t.equal(await message({ route: routes }), 'reloaded: nothing has changed');
    t.equal(
      await message({ route: routes, tcpText: true }),
      'reloaded: configuration (tcpText)',
      'and now modes are made anew',
    );
    const tokens = path.join(makeTempDir(t), 'tokens');
    writeFileSync(tokens, 'a: b:1\n');
    t.equal(
      await message({ route: ['/t=token'], tokenFile: tokens, tcpText: true }),
      'reloaded: configuration (tokenFile, routes), tokens (1)',
    );
    t.equal(
      await message({ route: ['/t=token', '/e=echo'], tokenFile: tokens, tcpText: true }),
      'reloaded: configuration (routes)',
    );
    writeFileSync(tokens, 'a: b:1\nc: d:1\n');
    t.equal(
      await message({ route: ['/t=token', '/e=echo'], tokenFile: tokens, tcpText: true }),
      'reloaded: tokens (2)',
      'those of a mode that has stayed',
    );
    t.strictSame(made, [], 'those of the start are made no more');
  },
);

t.test('a recording shows the paths of new routes', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  let flags: Flags = { echo: true, record };
  const rereading = {
    load: () => ({ ...resourcesOf(flags), warnings: [] }),
    files: { readFile: () => '', importFile: () => Promise.reject(new Error('none')) },
  };
  const log = new KeptLog();
  const composed = compose(resourcesOf(flags), log, rereading);
  await composed.start();
  flags = { ...flags, route: ['/new=echo'] };
  await composed.reload();
  t.equal(log.find('reloaded: configuration (routes)').length, 1);
  await composed.server.stop();
  await composed.close();
});

t.test('one of several processes has a file of its own, and no endpoint', async (t) => {
  const directory = makeTempDir(t);
  const log = new KeptLog();
  const reloadLog = new KeptLog();
  const told: unknown[] = [];
  const group: ServerGroup = {
    worker: 3,
    reloadLog,
    listening: (lines) => told.push(...lines),
    reserve: () => Promise.resolve(null),
    release: () => undefined,
  };
  const flags = { echo: true, record: path.join(directory, 'a-%w.ndjson'), admin: '127.0.0.1:0' };
  const { server, admin, start, reload, close } = compose(resourcesOf(flags), log, null, group);
  t.equal(admin, null, 'the one who leads has it');
  await start();
  t.strictSame(told, [{ address: server.urls[0], mode: 'echo' }]);
  t.strictSame(
    readdirSync(directory).filter((name) => name.endsWith('.ndjson')),
    ['a-3.ndjson'],
  );
  await reload();
  t.equal(reloadLog.find('reloaded: nothing has changed').length, 1);
  t.equal(log.find('reloaded: nothing has changed').length, 0);
  await server.stop();
  await close();
});

t.test('a path that is echoed has a page, and no other one', async (t) => {
  const { server, start } = compose(
    resourcesOf({ echo: true, route: ['/proxy=tcp:a:1'] }),
    new KeptLog(),
  );
  await start();
  t.teardown(() => server.stop());
  const port = Number(new URL(server.urls[0]!).port);
  const ask = (path: string): ReturnType<typeof askHttp> =>
    askHttp(t, port, `GET ${path} HTTP/1.0\r\nAccept: text/html\r\n\r\n`);
  const page = await ask('/');
  t.equal(page.status, 200);
  t.match(page.body, /<title>twist echo<\/title>/);
  t.equal((await ask('/proxy')).status, 426);
  t.match(JSON.parse((await ask('/?page.json')).body), { controls: [] });
});

t.test('the page is told what clients can ask for', async (t) => {
  const { server, start } = compose(resourcesOf({ echo: true, echoControls: true }), new KeptLog());
  await start();
  t.teardown(() => server.stop());
  const port = Number(new URL(server.urls[0]!).port);
  const { body } = await askHttp(t, port, `GET /?page.json HTTP/1.0\r\n\r\n`);
  t.match(JSON.parse(body), { controls: [{ name: 'delay', example: '200ms' }] });
});
