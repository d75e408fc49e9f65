/**
 * Runs regular expressions that somebody has typed, which may take for ever: `(a+)+$` does with a few dozen characters. There
 * is no other way to stop one in the thread that runs it than the limit of `node:vm`: V8 looks for it whenever an
 * expression goes back. `pattern-guard.test.ts` shows that it works; once JavaScript has a linear engine for all expressions, this can go.
 */
import { Script, createContext } from 'node:vm';

/** How long some texts may take together, and the one that has taken longest when it is tried alone. */
const TOGETHER_MS = 100;
const ALONE_MS = 400;
const MAX_TRIES = 3;

/** What is tested at a time, in characters: what a good expression does in a millisecond or two. */
export const BATCH_CHARACTERS = 256 * 1024;
export const BATCH_TEXTS = 256;

const job = {
  pattern: /(?:)/,
  texts: [] as readonly string[],
  results: [] as boolean[],
  end: 0,
  run: (): void => {
    const { pattern, texts, results, end } = job;
    // `search` starts at the beginning, whatever the flags.
    while (results.length < end) results.push(texts[results.length]!.search(pattern) >= 0);
  },
};

let runWithin: ((timeoutMs: number) => void) | null = null;

/** What runs the job: its context takes a megabyte, and is made when there is the first expression. */
function runner(): (timeoutMs: number) => void {
  if (runWithin !== null) return runWithin;
  const context = createContext({ run: job.run });
  const script = new Script('run()');
  runWithin = (timeout) => {
    script.runInContext(context, { timeout });
  };
  return runWithin;
}

/**
 * Which of some texts match.
 *
 * @returns null if one of them takes too long, or several take long
 */
export function testGuarded(pattern: RegExp, texts: readonly string[]): readonly boolean[] | null {
  Object.assign(job, { pattern, texts, results: [] });
  for (let tries = 0; ; tries++) {
    job.end = texts.length;
    if (isDone(TOGETHER_MS)) break;
    // A machine that was busy for a moment is no reason: the text where it stopped has another chance, alone.
    job.end = Math.min(job.results.length + 1, texts.length);
    if (tries === MAX_TRIES || !isDone(ALONE_MS)) return null;
  }
  job.texts = [];
  return job.results;
}

function isDone(timeoutMs: number): boolean {
  try {
    runner()(timeoutMs);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  }
}

/** The expression, or why it is none: what the engine says. */
export function patternOf(text: string, isCaseSensitive: boolean): RegExp | string {
  try {
    return new RegExp(text, isCaseSensitive ? '' : 'i');
  } catch (error) {
    // `Invalid regular expression: /(/: Unterminated group`
    return (error as Error).message.replace(/^.*: /s, '').toLowerCase();
  }
}
