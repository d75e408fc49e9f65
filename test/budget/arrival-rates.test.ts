import t from 'tap';
import { ArrivalRates } from '../../src/budget/arrival-rates.js';

t.test('connections of one address: at the rate, and one past it', (t) => {
  const rates = new ArrivalRates({ maxConnectionRate: 2, maxHandshakeRate: 0 });
  t.equal(rates.connect('a', 1000), 0);
  t.equal(rates.connect('a', 1000), 0);
  t.equal(rates.connect('a', 1000), 500);
  t.equal(rates.connect('b', 1000), 0, 'others are not concerned');
  t.equal(rates.connect(null, 1000), 0);
  t.equal(rates.connect('a', 1500), 0, 'those that were refused do not count');
  t.equal(rates.shakeHands(1000), 0);
  t.end();
});

t.test('handshakes in all: at the rate, and one past it', (t) => {
  const rates = new ArrivalRates({ maxConnectionRate: 0, maxHandshakeRate: 2 });
  t.equal(rates.shakeHands(1000), 0);
  t.equal(rates.shakeHands(1000), 0);
  t.equal(rates.shakeHands(1250), 250);
  t.equal(rates.shakeHands(1500), 0);
  t.equal(rates.connect('a', 1000), 0);
  t.equal(rates.connect('a', 1000), 0);
  t.end();
});

t.test('without a rate nobody can come too early', async (t) => {
  t.ok(new ArrivalRates({}).areUnlimited);
  t.ok(new ArrivalRates({ maxConnectionRate: 0, maxHandshakeRate: 0 }).areUnlimited);
  t.notOk(new ArrivalRates({ maxConnectionRate: 1 }).areUnlimited);
  t.notOk(new ArrivalRates({ maxHandshakeRate: 1 }).areUnlimited);
});
