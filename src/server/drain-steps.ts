/** How a graceful stop spreads its Close frames, so that clients do not all come back at once. */

/** One millisecond a connection, but never more than half of the time there is. */
const MS_PER_CONNECTION = 1;
const STEP_MS = 20;

/** One step: so many connections are closed, then so long is waited. */
export interface DrainStep {
  readonly count: number;
  readonly waitMs: number;
}

/** Plans the closing of `connections` within `drainMs`. */
export function drainSteps(connections: number, drainMs: number): DrainStep[] {
  const spreadMs = Math.min(connections * MS_PER_CONNECTION, drainMs / 2);
  const steps = Math.max(1, Math.floor(spreadMs / STEP_MS));
  const perStep = Math.ceil(connections / steps);
  const plan: DrainStep[] = [];
  for (let left = connections; left > 0; left -= perStep) {
    plan.push({ count: Math.min(perStep, left), waitMs: STEP_MS });
  }
  return plan;
}
