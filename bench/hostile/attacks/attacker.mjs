/**
 * One process of an attack: it says when it is ready, begins when it is told, and prints what it has done.
 *
 *     node bench/hostile/attacks/attacker.mjs '{"kind":"flood","connections":10,"seconds":4,"port":9001}'
 *
 * Whatever happens, it is gone some seconds after its time.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers';
import { listenForLines, readPlan, say } from '../child.mjs';
import { Attack } from './attack.mjs';
import { KINDS } from './kinds.mjs';

const GRACE_MS = 8000;

const plan = /** @type {import('./attack.mjs').AttackPlan} */ (readPlan());
const attack = new Attack(plan);
const kind = KINDS[plan.kind];
if (kind === undefined) throw new Error(`no attack is called ${plan.kind}`);
const run = kind(attack);
say({ isReady: true });
listenForLines(() => {
  setTimeout(() => process.exit(1), plan.seconds * 1000 + GRACE_MS);
  attack.start();
  void run()
    .then(() => attack.finish())
    .then(() => {
      say(attack.stats);
    });
});
