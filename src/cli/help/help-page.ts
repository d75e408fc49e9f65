import { Help } from 'commander';
import type { Io, TextOutput } from '../io.js';
import { styled } from '../output/style.js';

/** How wide a page is set where nothing says how wide the terminal is. */
const DEFAULT_WIDTH = 80;

/** Wider lines are hard to read, and narrower ones cannot hold the longest names. */
const MAX_WIDTH = 100;
const MIN_WIDTH = 40;

/** With less than this beside its term, a description goes below it. */
const MIN_DESCRIPTION_WIDTH = 34;

const INDENT = 2;
const GAP = 2;
/** How far what goes below a term is indented. */
const BELOW_INDENT = 6;

/** What stands in a list: an option, a command or a topic. */
export interface HelpItem {
  readonly term: string;
  readonly text: string;
  /** A line of its own below the text, such as the default. */
  readonly detail?: string;
}

export type HelpExample = readonly [command: string, meaning: string];

/** @returns the columns of a terminal, or what `COLUMNS` says, within reason */
export function helpWidth({ columns }: TextOutput, env: Io['env']): number {
  const given = columns ?? Number(env['COLUMNS']);
  const width = Number.isInteger(given) && given > 0 ? given : DEFAULT_WIDTH;
  return Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH);
}

/** Sets a page of help: blocks with an empty line between them, wrapped at words. */
export class HelpPage {
  readonly #width: number;
  readonly #isStyled: boolean;
  readonly #help = new Help();
  readonly #blocks: string[] = [];

  constructor(width: number, isStyled: boolean) {
    this.#width = width;
    this.#isStyled = isStyled;
    // Commander leaves narrow text unwrapped.
    this.#help.minWidthToWrap = 1;
  }

  usage(text: string): this {
    return this.#add(`${this.#title('Usage:')} ${text}`);
  }

  paragraph(text: string): this {
    return this.#add(this.#help.boxWrap(text, this.#width));
  }

  /**
   * @param summary what the items are about
   * @param termWidth how wide the column of terms is, for lists that stand below each other
   */
  list(
    heading: string,
    items: readonly HelpItem[],
    summary = '',
    termWidth = widestTerm(items),
  ): this {
    const title = this.#help.boxWrap(
      `${this.#title(`${heading}:`)} ${summary}`.trimEnd(),
      this.#width,
    );
    const lines = items.map((item) => this.#item(item, termWidth));
    return this.#add([title, ...lines].join('\n'));
  }

  examples(rows: readonly HelpExample[]): this {
    const termWidth = Math.max(...rows.map(([command]) => command.length));
    const lines = rows.map(([command, meaning]) => this.#example(command, meaning, termWidth));
    return this.#add([this.#title('Examples:'), ...lines].join('\n'));
  }

  toString(): string {
    return `${this.#blocks.join('\n\n')}\n`;
  }

  #item({ term, text, detail }: HelpItem, termWidth: number): string {
    const shown = detail === undefined ? text : `${text}\n${styled('dim', detail, this.#isStyled)}`;
    const shownTerm = styled('cyan', term, this.#isStyled);
    const textWidth = this.#width - INDENT - termWidth - GAP;
    if (textWidth < MIN_DESCRIPTION_WIDTH)
      return `${' '.repeat(INDENT)}${shownTerm}\n${this.#indented(shown, BELOW_INDENT)}`;
    const [first = '', ...rest] = this.#help.boxWrap(shown, textWidth).split('\n');
    const margin = ' '.repeat(INDENT + termWidth + GAP);
    const padding = ' '.repeat(termWidth - term.length + GAP);
    return [`${' '.repeat(INDENT)}${shownTerm}${padding}${first}`, ...rest].join(`\n${margin}`);
  }

  #example(command: string, meaning: string, termWidth: number): string {
    const shown = styled('dim', meaning, this.#isStyled);
    const line = `${' '.repeat(INDENT)}${command.padEnd(termWidth + GAP)}`;
    if (line.length + meaning.length <= this.#width) return line + shown;
    // A shell reads it as one line all the same.
    const wrapped = this.#help.boxWrap(command, this.#width - BELOW_INDENT - 2);
    const words = wrapped.replaceAll('\n', ` \\\n${' '.repeat(BELOW_INDENT)}`);
    return `${' '.repeat(INDENT)}${words}\n${this.#indented(shown, BELOW_INDENT)}`;
  }

  #indented(text: string, indent: number): string {
    const margin = ' '.repeat(indent);
    const lines = this.#help.boxWrap(text, this.#width - indent).split('\n');
    return lines.map((line) => `${margin}${line}`).join('\n');
  }

  #title(text: string): string {
    return styled('bold', text, this.#isStyled);
  }

  #add(block: string): this {
    this.#blocks.push(block);
    return this;
  }
}

/** @returns how wide the column of terms of one list or of several has to be */
export function widestTerm(items: readonly HelpItem[]): number {
  return Math.max(...items.map(({ term }) => term.length));
}
