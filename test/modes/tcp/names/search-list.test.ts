import t from 'tap';
import { namesToAsk } from '../../../../src/modes/tcp/names/search-list.js';

const KUBERNETES = `nameserver 10.96.0.10
search shop.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`;

t.test('names and what they are asked for as', async (t) => {
  for (const [name, conf, ...names] of [
    ['db', '', 'db'],
    ['db.test', 'nameserver 127.0.0.1\n', 'db.test'],
    ['db', 'search a.test b.test\n', 'db.a.test', 'db.b.test', 'db'],
    ['db.x', 'search a.test\n', 'db.x', 'db.x.a.test'],
    ['db.x.', 'search a.test\n', 'db.x'],
    ['db.', 'search a.test\n', 'db'],
    [
      'db',
      KUBERNETES,
      'db.shop.svc.cluster.local',
      'db.svc.cluster.local',
      'db.cluster.local',
      'db',
    ],
    [
      'db.example.com',
      KUBERNETES,
      'db.example.com.shop.svc.cluster.local',
      'db.example.com.svc.cluster.local',
      'db.example.com.cluster.local',
      'db.example.com',
    ],
    ['a.b.c.d.e.f', 'options ndots:5\nsearch x.test\n', 'a.b.c.d.e.f', 'a.b.c.d.e.f.x.test'],
    ['db', 'domain a.test\n', 'db.a.test', 'db'],
    ['db', 'search a.test\ndomain b.test c.test\n', 'db.b.test', 'db'],
    ['db', 'domain b.test\nsearch a.test\n', 'db.a.test', 'db'],
    ['db', 'search a.test. .\n', 'db.a.test', 'db'],
    ['db', 'search\n', 'db'],
    ['db', '# search a.test\n;search b.test\n#options ndots:9\n', 'db'],
    ['db', 'options ndots:0\nsearch a.test\n', 'db', 'db.a.test'],
    ['db', 'options edns0 trust-ad\r\nsearch a.test\r\n', 'db.a.test', 'db'],
    ['a.b', 'options ndots:1 ndots:2\nsearch a.test\n', 'a.b.a.test', 'a.b'],
    ['a.b', 'options ndots:x\nsearch a.test\n', 'a.b', 'a.b.a.test'],
    [
      `${'a.'.repeat(15)}b`,
      'options ndots:99\nsearch c\n',
      `${'a.'.repeat(15)}b`,
      `${'a.'.repeat(15)}b.c`,
    ],
  ] as const) {
    t.same(namesToAsk(name, conf), names, `${name} by ${JSON.stringify(conf)}`);
  }
});
