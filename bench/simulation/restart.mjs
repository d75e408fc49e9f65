/**
 * A restart of many pods, with every session of theirs: a Deployment replaces its pods, each pod that stops closes its
 * sessions one after the other, and each client comes back after a random wait, to a pod that the load balancer chooses.
 *
 * Time goes in ticks. A client is either connected, or waits for its next attempt; a pod needs a certain time for each handshake, and
 * does one after the other. What is left out: the network but for one round trip, the time that pods take for anything but handshakes,
 * and that a load balancer has a limit of its own.
 */
import { makeBalancer } from './balancer.mjs';
import { Random } from './random.mjs';
import { Timetable } from './timetable.mjs';

/**
 * @typedef {object} Plan times are in seconds
 * @property {number} pods
 * @property {number} sessions of each pod at the beginning
 * @property {number} surge how many pods there may be more than `pods`
 * @property {number} lost how many pods vanish at once, without a Close, instead of an update
 * @property {number} start until a new pod is ready, on average; a quarter more or less
 * @property {number} minReady until the next old pod stops for it
 * @property {number} preStop a pod that is to stop serves on for so long
 * @property {number} notice until the load balancer sends nobody to a pod that is to stop
 * @property {number} drainTimeout of twist
 * @property {number} closeTimeout of twist
 * @property {number} backoff of clients: the first wait is a random part of it, and each failure doubles it
 * @property {number} backoffMax
 * @property {boolean} hasJitter without it a client waits for exactly the back-off
 * @property {import('./balancer.mjs').Balancing} balancing
 * @property {number} handshakes that a pod can do in a second
 * @property {number} handshakeTimeout of twist
 * @property {number} maxHandshakes of twist
 * @property {number} maxConnections of twist
 * @property {number} seed
 */

/**
 * @typedef {object} Outcome
 * @property {number} seconds until the last client was back, and the last old pod had stopped
 * @property {number} handshakes all attempts
 * @property {number} failures attempts that got no session
 * @property {number} peak attempts in the busiest second
 * @property {number} podPeak attempts at one pod in its busiest second
 * @property {number} busiest that peak, or the longest queue, as a part of what a pod can do in a second
 * @property {number} moves how often a session was closed, on average
 * @property {number} offlineMedian seconds from the Close to the next session
 * @property {number} offlineP99
 * @property {number} offlineMax
 * @property {number} offlinePeak how many clients were without a session at once
 * @property {number} fullest sessions of the fullest pod at any time
 * @property {number} emptiest sessions of the emptiest pod at the end
 * @property {number[]} rate attempts in each second
 */

const TICKS_A_SECOND = 100;
/** One round trip: a Close to the client, or a TCP connection. */
const ROUND_TRIP_TICKS = 5;
/** Readiness probes fail twice, five seconds apart, before a full pod is left out. */
const FULL_NOTICE_TICKS = 10 * TICKS_A_SECOND;
const MS_PER_SESSION = 10;
const NOBODY = -1;

const doNothing = () => undefined;

/**
 * How long twist spreads the Closes of a pod, in seconds: `src/server/drain.ts` has the same.
 * @param {number} sessions
 * @param {Pick<Plan, 'drainTimeout' | 'closeTimeout'>} times
 */
export function spreadSeconds(sessions, { drainTimeout, closeTimeout }) {
  const most = drainTimeout - Math.min(closeTimeout, drainTimeout / 2);
  return Math.max(0, Math.min(((sessions - 1) * MS_PER_SESSION) / 1000, most));
}

/**
 * @param {Plan} plan
 * @returns {Outcome}
 */
export function simulateRestart(plan) {
  return new Restart(plan).run();
}

class Restart {
  #plan;
  #random;
  #tick = 0;
  /** Of clients: their next attempt. */
  #attempts;
  /** Of pods: what happens to them. @type {Map<number, (() => void)[]>} */
  #turns = new Map();
  #balancer;
  // A pod: how many sessions, the first of them, when it has done all handshakes.
  #sessions;
  #firstClient;
  #busyUntil;
  #known;
  // A client: the next one of the same pod, failures in a row, since when it is without a session.
  #nextClient;
  #failuresInARow;
  #offlineSince;
  /** Pods that stop: they take nobody. */
  #isClosed;
  #created = 0;
  #oldLeft = 0;
  #oldNext = 0;

  #handshakes = 0;
  #failures = 0;
  #closes = 0;
  #fullest = 0;
  #longestQueue = 0;
  #podPeak = 0;
  /** @type {number[]} */
  #rate = [];
  #thisSecond;
  /** How many clients were without a session for how many ticks. @type {number[]} */
  #offlineTimes = [];
  /** By how many they grew in each second. @type {number[]} */
  #offlineChanges = [];

  /** @param {Plan} plan */
  constructor(plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    const clients = plan.pods * plan.sessions;
    const pods = 2 * plan.pods;
    this.#attempts = new Timetable(clients);
    this.#sessions = new Uint32Array(pods);
    this.#firstClient = new Int32Array(pods).fill(NOBODY);
    this.#busyUntil = new Float64Array(pods);
    this.#known = new Uint8Array(pods);
    this.#isClosed = new Uint8Array(pods);
    this.#thisSecond = new Uint32Array(pods);
    this.#nextClient = new Int32Array(clients).fill(NOBODY);
    this.#failuresInARow = new Uint8Array(clients);
    this.#offlineSince = new Int32Array(clients);
    this.#balancer = makeBalancer(plan.balancing, this.#sessions, this.#random);
    for (let client = 0; client < clients; client++) this.#join(client, client % plan.pods);
    this.#fullest = plan.sessions;
    for (let pod = 0; pod < plan.pods; pod++) this.#learn(pod);
    this.#created = plan.pods;
    this.#oldLeft = plan.pods;
  }

  /** @returns {Outcome} */
  run() {
    const { surge, lost, pods } = this.#plan;
    if (lost > 0) for (let pod = 0; pod < lost; pod++) this.#lose(pod);
    else for (let count = 0; count < Math.min(surge, pods); count++) this.#create();
    const attempt = this.#attempt.bind(this);
    while (this.#turns.size > 0 || this.#attempts.size > 0) {
      for (const turn of this.#turns.get(this.#tick) ?? []) turn();
      this.#turns.delete(this.#tick);
      this.#attempts.take(this.#tick, attempt);
      this.#tick++;
      if (this.#tick % TICKS_A_SECOND === 0) this.#endSecond();
    }
    this.#endSecond();
    return this.#outcome();
  }

  /**
   * @param {number} ticks from now
   * @param {() => void} turn
   */
  #later(ticks, turn) {
    const at = this.#tick + Math.max(0, Math.round(ticks));
    const turns = this.#turns.get(at);
    if (turns === undefined) this.#turns.set(at, [turn]);
    // Whoever is called now may add to the list that is gone through, which is seen.
    else turns.push(turn);
  }

  // Pods

  #create() {
    const pod = this.#created++;
    const start = this.#plan.start * (0.75 + this.#random.next() / 2);
    this.#later(start * TICKS_A_SECOND, () => {
      this.#learn(pod);
      this.#later(this.#plan.minReady * TICKS_A_SECOND, () => {
        this.#replaceOne();
      });
    });
  }

  /** A new pod is available: an old one may stop, and its successor start at once. */
  #replaceOne() {
    if (this.#plan.lost > 0 || this.#oldLeft === 0) return;
    this.#oldLeft--;
    this.#stop(this.#oldNext++);
    if (this.#created < 2 * this.#plan.pods) this.#create();
  }

  /** @param {number} pod */
  #stop(pod) {
    const { notice, preStop } = this.#plan;
    this.#later(notice * TICKS_A_SECOND, () => {
      this.#forget(pod);
    });
    this.#later(preStop * TICKS_A_SECOND, () => {
      this.#drain(pod);
    });
  }

  /** @param {number} pod */
  #drain(pod) {
    this.#isClosed[pod] = 1;
    const count = this.#sessions[pod] ?? 0;
    const spread = spreadSeconds(count, this.#plan) * TICKS_A_SECOND;
    let place = 0;
    for (let client = this.#firstClient[pod] ?? NOBODY; client !== NOBODY; place++) {
      const next = this.#nextClient[client] ?? NOBODY;
      this.#leave(client, Math.round((spread * place) / Math.max(count - 1, 1)));
      client = next;
    }
    this.#empty(pod);
    // The process stays for the last answer.
    this.#later(spread + ROUND_TRIP_TICKS, doNothing);
  }

  /** A pod is gone without a word, with its node, and is created again. @param {number} pod */
  #lose(pod) {
    for (let client = this.#firstClient[pod] ?? NOBODY; client !== NOBODY;) {
      const next = this.#nextClient[client] ?? NOBODY;
      this.#leave(client, 0);
      client = next;
    }
    this.#isClosed[pod] = 1;
    this.#empty(pod);
    this.#later(this.#plan.notice * TICKS_A_SECOND, () => {
      this.#forget(pod);
    });
    this.#create();
  }

  /** @param {number} pod */
  #empty(pod) {
    this.#sessions[pod] = 0;
    this.#firstClient[pod] = NOBODY;
  }

  /** The load balancer hears of a pod. @param {number} pod */
  #learn(pod) {
    this.#known[pod] = 1;
    this.#balancer.add(pod);
  }

  /** @param {number} pod */
  #forget(pod) {
    if (this.#known[pod] === 0) return;
    this.#known[pod] = 0;
    this.#balancer.remove(pod);
  }

  // Clients

  /**
   * A client has lost its session, or does so in a moment.
   * @param {number} client
   * @param {number} ticks from now
   */
  #leave(client, ticks) {
    const at = this.#tick + ticks;
    this.#closes++;
    this.#countOffline(at, 1);
    this.#offlineSince[client] = at;
    this.#failuresInARow[client] = 0;
    this.#attempts.add(client, at + ROUND_TRIP_TICKS + this.#wait(0));
  }

  /**
   * Ticks that a client waits before its next attempt.
   * @param {number} failures in a row
   */
  #wait(failures) {
    const { backoff, backoffMax, hasJitter } = this.#plan;
    const most = Math.min(backoff * 2 ** failures, backoffMax) * TICKS_A_SECOND;
    return Math.ceil(hasJitter ? most * this.#random.next() : most);
  }

  /** @param {number} client */
  #attempt(client) {
    this.#handshakes++;
    const second = Math.floor(this.#tick / TICKS_A_SECOND);
    this.#rate[second] = (this.#rate[second] ?? 0) + 1;
    if (this.#balancer.size === 0) {
      this.#fail(client, 0);
      return;
    }
    const pod = this.#balancer.choose();
    this.#thisSecond[pod] = (this.#thisSecond[pod] ?? 0) + 1;
    const { handshakes, handshakeTimeout, maxHandshakes, maxConnections } = this.#plan;
    const isFull = (this.#sessions[pod] ?? 0) >= maxConnections;
    const wait = Math.max((this.#busyUntil[pod] ?? 0) - this.#tick, 0) / TICKS_A_SECOND;
    this.#longestQueue = Math.max(this.#longestQueue, wait * handshakes);
    if (isFull || this.#isClosed[pod] !== 0 || wait * handshakes >= maxHandshakes)
      this.#fail(client, 0);
    else if (wait > handshakeTimeout) this.#fail(client, handshakeTimeout * TICKS_A_SECOND);
    else this.#open(client, pod);
  }

  /**
   * The client has its turn when all before it had theirs.
   * @param {number} client
   * @param {number} pod
   */
  #open(client, pod) {
    const { handshakes, maxConnections } = this.#plan;
    const done = Math.max(this.#busyUntil[pod] ?? 0, this.#tick) + TICKS_A_SECOND / handshakes;
    this.#busyUntil[pod] = done;
    const back = Math.round(done + ROUND_TRIP_TICKS);
    const offline = back - (this.#offlineSince[client] ?? 0);
    this.#countOffline(back, -1);
    this.#offlineTimes[offline] = (this.#offlineTimes[offline] ?? 0) + 1;
    this.#join(client, pod);
    this.#balancer.changed(pod);
    const sessions = this.#sessions[pod] ?? 0;
    this.#fullest = Math.max(this.#fullest, sessions);
    // Its probes fail, and nobody is sent there any more.
    if (sessions === maxConnections)
      this.#later(FULL_NOTICE_TICKS, () => {
        this.#forget(pod);
      });
  }

  /**
   * @param {number} client
   * @param {number} ticks until it knows
   */
  #fail(client, ticks) {
    this.#failures++;
    const failures = Math.min((this.#failuresInARow[client] ?? 0) + 1, 20);
    this.#failuresInARow[client] = failures;
    // Never in the same tick, which is being gone through.
    this.#attempts.add(client, this.#tick + ticks + ROUND_TRIP_TICKS + this.#wait(failures));
  }

  /**
   * @param {number} client
   * @param {number} pod
   */
  #join(client, pod) {
    this.#nextClient[client] = this.#firstClient[pod] ?? NOBODY;
    this.#firstClient[pod] = client;
    this.#sessions[pod] = (this.#sessions[pod] ?? 0) + 1;
  }

  // Figures

  /**
   * @param {number} tick
   * @param {number} change
   */
  #countOffline(tick, change) {
    const second = Math.floor(tick / TICKS_A_SECOND);
    this.#offlineChanges[second] = (this.#offlineChanges[second] ?? 0) + change;
  }

  #offlinePeak() {
    let now = 0;
    let most = 0;
    this.#offlineChanges.forEach((change) => {
      now += change;
      most = Math.max(most, now);
    });
    return most;
  }

  #endSecond() {
    for (let pod = 0; pod < this.#created; pod++)
      this.#podPeak = Math.max(this.#podPeak, this.#thisSecond[pod] ?? 0);
    this.#thisSecond.fill(0);
  }

  /** @returns {Outcome} */
  #outcome() {
    const { pods, sessions, handshakes } = this.#plan;
    const running = [...this.#sessions.subarray(0, this.#created)].filter(
      (_, pod) => this.#isClosed[pod] === 0,
    );
    // A second without an attempt has no entry.
    const rate = Array.from({ length: this.#rate.length }, (_, second) => this.#rate[second] ?? 0);
    return {
      seconds: this.#tick / TICKS_A_SECOND,
      handshakes: this.#handshakes,
      failures: this.#failures,
      peak: rate.reduce((most, attempts) => Math.max(most, attempts), 0),
      podPeak: this.#podPeak,
      busiest: Math.max(this.#podPeak, this.#longestQueue) / handshakes,
      moves: this.#closes / (pods * sessions),
      offlineMedian: this.#offlineQuantile(0.5),
      offlineP99: this.#offlineQuantile(0.99),
      offlineMax: this.#offlineQuantile(1),
      offlinePeak: this.#offlinePeak(),
      fullest: this.#fullest,
      emptiest: running.reduce((least, count) => Math.min(least, count), Infinity),
      rate,
    };
  }

  /** @param {number} share of the returns that took at most so long */
  #offlineQuantile(share) {
    const all = this.#offlineTimes.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let ticks = 0; ticks < this.#offlineTimes.length; ticks++) {
      seen += this.#offlineTimes[ticks] ?? 0;
      if (seen >= share * all) return ticks / TICKS_A_SECOND;
    }
    return 0;
  }
}
