/** How a load balancer chooses among the pods that it knows. */

/**
 * By chance, as kube-proxy does; the emptier one of two by chance, as Envoy's least request does; or the emptiest of all, as
 * HAProxy's leastconn does without a slow start.
 * @typedef {'chance' | 'two' | 'least'} Balancing
 */

/**
 * @typedef {object} Balancer
 * @property {number} size how many pods it knows
 * @property {(pod: number) => void} add
 * @property {(pod: number) => void} remove it must be known
 * @property {(pod: number) => void} changed the pod has more connections than before
 * @property {() => number} choose there must be one
 */

/**
 * @param {Balancing} kind
 * @param {Uint32Array} sessions how many each pod has; it grows while a pod is known
 * @param {import('./random.mjs').Random} random
 * @returns {Balancer}
 */
export function makeBalancer(kind, sessions, random) {
  if (kind === 'least') return new LeastConnections(sessions);
  return new ByChance(sessions, random, kind === 'two');
}

/** @implements {Balancer} */
class ByChance {
  /** @type {number[]} */
  #pods = [];
  #places;
  #sessions;
  #random;
  #hasTwo;

  /**
   * @param {Uint32Array} sessions
   * @param {import('./random.mjs').Random} random
   * @param {boolean} hasTwo
   */
  constructor(sessions, random, hasTwo) {
    this.#sessions = sessions;
    this.#places = new Int32Array(sessions.length);
    this.#random = random;
    this.#hasTwo = hasTwo;
  }

  get size() {
    return this.#pods.length;
  }

  /** @param {number} pod */
  add(pod) {
    this.#places[pod] = this.#pods.push(pod) - 1;
  }

  /** @param {number} pod */
  remove(pod) {
    const place = this.#places[pod] ?? 0;
    const last = this.#pods.pop() ?? pod;
    if (last === pod) return;
    this.#pods[place] = last;
    this.#places[last] = place;
  }

  changed() {
    // What is looked at when choosing needs no order.
  }

  choose() {
    const one = this.#any();
    if (!this.#hasTwo) return one;
    const other = this.#any();
    return (this.#sessions[other] ?? 0) < (this.#sessions[one] ?? 0) ? other : one;
  }

  #any() {
    return this.#pods[this.#random.below(this.#pods.length)] ?? 0;
  }
}

/** A heap with the emptiest pod on top. @implements {Balancer} */
class LeastConnections {
  /** @type {number[]} */
  #heap = [];
  #places;
  #sessions;

  /** @param {Uint32Array} sessions */
  constructor(sessions) {
    this.#sessions = sessions;
    this.#places = new Int32Array(sessions.length);
  }

  get size() {
    return this.#heap.length;
  }

  /** @param {number} pod */
  add(pod) {
    this.#heap.push(pod);
    this.#up(this.#heap.length - 1);
  }

  /** @param {number} pod */
  remove(pod) {
    const place = this.#places[pod] ?? 0;
    const last = this.#heap.pop() ?? pod;
    if (last === pod) return;
    this.#put(place, last);
    this.#down(place);
    this.#up(this.#places[last] ?? 0);
  }

  /** @param {number} pod */
  changed(pod) {
    this.#down(this.#places[pod] ?? 0);
  }

  choose() {
    return this.#heap[0] ?? 0;
  }

  /** @param {number} place */
  #load(place) {
    return this.#sessions[this.#heap[place] ?? 0] ?? 0;
  }

  /**
   * @param {number} place
   * @param {number} pod
   */
  #put(place, pod) {
    this.#heap[place] = pod;
    this.#places[pod] = place;
  }

  /** @param {number} place */
  #up(place) {
    const pod = this.#heap[place] ?? 0;
    const load = this.#load(place);
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#load(above) <= load) break;
      this.#put(place, this.#heap[above] ?? 0);
      place = above;
    }
    this.#put(place, pod);
  }

  /** @param {number} place */
  #down(place) {
    const pod = this.#heap[place] ?? 0;
    const load = this.#load(place);
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#heap.length) break;
      if (below + 1 < this.#heap.length && this.#load(below + 1) < this.#load(below)) below++;
      if (this.#load(below) >= load) break;
      this.#put(place, this.#heap[below] ?? 0);
      place = below;
    }
    this.#put(place, pod);
  }
}
