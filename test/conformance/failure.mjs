/** What ends a conformance run before there is a result; `message` is one sentence for a person. */
export class ConformanceError extends Error {}
