/** What the command simulates: the plan of the chart's defaults, and what differs from it. */

/** @typedef {import('./restart.mjs').Plan} Plan */
/** @typedef {{ name: string, plan: Plan }} Case */

/**
 * The chart's defaults, and clients as they should be: `deploy/helm/twist/values.yaml` has the first, a test compares them.
 * @type {Plan}
 */
export const CHART = {
  pods: 1000,
  sessions: 10_000,
  surge: 250,
  lost: 0,
  // A pod is scheduled, its image is on the node, Node starts, a probe comes every 5 seconds.
  start: 8,
  minReady: 35,
  preStop: 5,
  notice: 2,
  drainTimeout: 30,
  closeTimeout: 5,
  backoff: 1,
  backoffMax: 30,
  hasJitter: true,
  balancing: 'chance',
  // With TLS that is half of a core (docs/kubernetes.md, "Sizing").
  handshakes: 1000,
  handshakeTimeout: 10,
  maxHandshakes: 1000,
  // Room for what a balancing by chance does.
  maxConnections: 50_000,
  seed: 1,
};

/** As many pods more as a Deployment starts by default. @param {number} pods */
const quarter = (pods) => Math.ceil(pods / 4);

/**
 * @param {number} pods
 * @param {Partial<Plan>} [changes]
 * @returns {Plan}
 */
const of = (pods, changes) => ({ ...CHART, pods, surge: quarter(pods), ...changes });

/**
 * With the rest as the chart derives it.
 * @param {number} pods
 * @param {number} drainTimeout
 */
export const withDrain = (pods, drainTimeout) =>
  of(pods, { drainTimeout, minReady: CHART.preStop + drainTimeout });

/** What the load on a pod is for how long a drain. */
export const SPREAD = { pods: [1, 2, 10, 1000], drains: [10, 20, 30, 60, 120] };

const HASTY = { drainTimeout: 10, minReady: 0, preStop: 0 };
const WITHOUT_SPREAD = { ...HASTY, drainTimeout: 0, hasJitter: false };

/**
 * The tables of docs/kubernetes.md. What differs from the row with the pods begins with a dash.
 * @type {{ title: string, cases: Case[] }[]}
 */
export const TABLES = [
  {
    title: 'A rolling update',
    cases: [
      { name: '1 pod', plan: of(1) },
      { name: '10 pods', plan: of(10) },
      { name: '1,000 pods', plan: of(1000) },
      { name: '– to the emptier of two pods', plan: of(1000, { balancing: 'two' }) },
      { name: '– to the emptiest pod', plan: of(1000, { balancing: 'least' }) },
      { name: '– `maxSurge: 5%`', plan: of(1000, { surge: 50 }) },
      { name: '– `drainTimeout: 2m`', plan: withDrain(1000, 120) },
      { name: '– `minReadySeconds: 0`', plan: of(1000, { minReady: 0 }) },
      { name: '– and `drainTimeout: 10s`, no `preStop`', plan: of(1000, HASTY) },
      { name: '– and all Closes at once, no jitter', plan: of(1000, WITHOUT_SPREAD) },
    ],
  },
  {
    title: 'Pods that are lost at once',
    cases: [
      { name: '1 of 1', plan: of(1, { lost: 1 }) },
      { name: '1 of 10', plan: of(10, { lost: 1 }) },
      { name: '– clients without jitter', plan: of(10, { lost: 1, hasJitter: false }) },
      { name: '– a back-off from 5 s', plan: of(10, { lost: 1, backoff: 5 }) },
      { name: '10 of 1,000, a node', plan: of(1000, { lost: 10 }) },
      { name: '250 of 1,000, a zone', plan: of(1000, { lost: 250 }) },
      { name: '– and a back-off from 5 s', plan: of(1000, { lost: 250, backoff: 5 }) },
    ],
  },
];

/** What the picture shows: the cases, and what they are called there. */
export const DRAWN = [
  { name: '1,000 pods', label: 'as the chart has it' },
  { name: '– `minReadySeconds: 0`', label: 'without minReadySeconds: drains overlap' },
  {
    name: '– and `drainTimeout: 10s`, no `preStop`',
    label: 'and a drain of 10 s, without preStop',
  },
  {
    name: '– and all Closes at once, no jitter',
    label: 'and all Closes at once, clients without jitter',
  },
];
