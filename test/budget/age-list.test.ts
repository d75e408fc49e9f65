import t from 'tap';
import { AgeList, type Aged } from '../../src/budget/age-list.js';

interface Item extends Aged<Item> {
  readonly name: string;
}

const item = (name: string): Item => ({ name, older: null, newer: null });

t.test('items stand by their age, whoever goes', async (t) => {
  const list = new AgeList<Item>();
  const names = (): string => [...list].map(({ name }) => name).join('');
  t.match(list, { size: 0, oldest: null, newest: null });
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(item) as [Item, Item, Item, Item];
  for (const one of [a, b, c, d]) list.add(one);
  t.equal(names(), 'abcd');
  list.delete(b);
  t.equal(names(), 'acd', 'one from between');
  list.delete(a);
  list.delete(d);
  t.equal(list.oldest, c);
  t.equal(list.newest, c);
  list.add(a);
  t.equal(names(), 'ca', 'it is the newest again');
  t.equal(list.size, 2);
  list.delete(c);
  list.delete(a);
  t.match(list, { size: 0, oldest: null, newest: null });
});
