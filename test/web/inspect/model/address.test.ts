import t from 'tap';
import { FIRST_PLACE, type Place, hashOf, placeOf } from '../../../../web/inspect/model/address.js';
import { NO_CHOICE } from '../../../../web/inspect/model/filter.js';

t.test('a place and its address', async (t) => {
  const cases: readonly [Partial<Place>, string][] = [
    [{}, '#/'],
    [{ screen: 'messages' }, '#/all'],
    [{ screen: 'messages', session: '01J' }, '#/s/01J'],
    [{ screen: 'messages', session: 'a/b?c' }, '#/s/a%2Fb%3Fc'],
    [
      { search: 'chat', status: 'open', sort: { column: 'in', isDescending: true } },
      '#/?search=chat&status=open&sort=-in',
    ],
    [{ sort: { column: 'url', isDescending: false } }, '#/?sort=url'],
    [
      {
        screen: 'messages',
        record: 0,
        times: 'gap',
        choice: {
          direction: 'in',
          groups: ['text', 'pings'],
          minSize: '1k',
          maxSize: '2m',
          text: 'a&b',
          isPattern: true,
          isCaseSensitive: true,
          since: 1790000000.25,
          until: 1790000001,
        },
      },
      '#/all?times=gap&direction=in&kinds=text+pings&min=1k&max=2m&text=a%26b&pattern=true&case=true&since=1790000000.25&until=1790000001&record=0',
    ],
    [{ choice: { ...NO_CHOICE, groups: [] } }, '#/?kinds='],
  ];
  for (const [change, hash] of cases) {
    const place = { ...FIRST_PLACE, ...change };
    t.equal(hashOf(place), hash);
    t.strictSame(placeOf(hash), place, hash);
  }
});

t.test('what cannot be read is as usual', async (t) => {
  for (const hash of [
    '',
    '#',
    '#/nowhere',
    '#/?sort=-size&status=none&direction=up&times=&record=-1&since=soon',
  ])
    t.strictSame(placeOf(hash), FIRST_PLACE, hash);
  t.equal(placeOf('#/s/%zz').session, '%zz');
});
