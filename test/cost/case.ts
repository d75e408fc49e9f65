/** What the harness measures: a table from files of `src` to inputs that are worst for them. */

/** Undoes what a case has set up; called once the case is measured at a size. */
export type Cleanup = (undo: () => unknown) => void;

export interface CostCase {
  /** What grows, and what happens to it. */
  readonly name: string;
  /** Other files of src that have work with it, without `src/` and `.ts`. */
  readonly also?: readonly string[];
  /** The smallest size. Four times as much should take ten milliseconds or more. */
  readonly count: number;
  /** A size beyond which something else happens, so that no larger one is tried. */
  readonly maxCount?: number;
  /** Bytes that JavaScript may copy from buffer to buffer for each of them. */
  readonly maxCopied?: number;
  /** Bytes that may be held for each of them, live objects and buffers, while the result of the run is there. */
  readonly maxHeld?: number;
  /** Bytes of resident memory that may be needed for each of them at the worst moment. */
  readonly maxPeak?: number;
  /** A fault that is known, and who is to mend it: it is shown and fails nothing. */
  readonly knownFault?: string;
  /**
   * Makes what is to come.
   *
   * @returns what is measured; what that returns is held while memory is looked at
   */
  prepare(count: number, cleanup: Cleanup): (() => unknown) | Promise<() => unknown>;
}

/** Cases by the file of src whose cost they are, without `src/` and `.ts`. */
export type CostTable = Readonly<Record<string, readonly CostCase[]>>;

/** A case with where it stands. */
export interface ListedCase extends CostCase {
  /** Files of src that it is about, as they are named in the repository. */
  readonly files: readonly string[];
}

/** All cases of some tables. */
export function listCases(tables: readonly CostTable[]): ListedCase[] {
  return tables.flatMap((table) =>
    Object.entries(table).flatMap(([file, cases]) =>
      cases.map((one) => ({
        ...one,
        files: [file, ...(one.also ?? [])].map((name) => `src/${name}.ts`),
      })),
    ),
  );
}
