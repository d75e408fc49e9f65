import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { inspectorOf } from '../../../src/cli/serve/inspector.js';
import { load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { fakeIo } from '../fake-io.js';

const startOf = (flags: Flags): Parameters<typeof inspectorOf>[0] => ({
  loaded: load({ flags: { echo: true, ...flags }, environment: {}, readFile: () => '' }),
  flags,
  configText: null,
  workers: 1,
});

t.test('there is none unless somebody asks for it', async (t) => {
  t.equal(await inspectorOf(startOf({}), fakeIo([]), new KeptLog()), null);
});

t.test('its process is told of options, and of nothing else in the environment', async (t) => {
  const { inspectorOf: made } = await t.mockImport<{ inspectorOf: typeof inspectorOf }>(
    '../../../src/cli/serve/inspector.js',
    {
      '../../../src/workers/viewer/viewer.js': {
        Viewer: class {
          readonly options: unknown;
          constructor(options: unknown) {
            this.options = options;
          }
        },
      },
    },
  );
  const env = { TWIST_AUTH: 'ann:secret', SECRET: 'of others', TWIST_NOTHING: undefined };
  const memory = new MemoryAccount();
  const inspector = await made(
    startOf({ inspect: '0' }),
    fakeIo([], { env }),
    new KeptLog(),
    memory,
  );
  t.match((inspector as unknown as { options: object }).options, {
    order: {
      flags: { inspect: '0' },
      environment: { TWIST_AUTH: 'ann:secret', SECRET: undefined },
      configText: null,
      workers: 1,
    },
    tool: 'twist/dev',
    memory,
  });
  const alone = await made(startOf({ inspect: '0' }), fakeIo([]), new KeptLog());
  t.notOk('memory' in (alone as unknown as { options: object }).options);
});
