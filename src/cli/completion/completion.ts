/** `twist completion`: the script that has a shell complete the command line. */
import type { Command } from 'commander';
import { bashCompletion } from './bash.js';
import { type CommandLine, commandLine } from './command-line.js';
import { fishCompletion } from './fish.js';
import type { Shell } from './shells.js';
import { zshCompletion } from './zsh.js';

const MAKERS: Readonly<Record<Shell, (commands: CommandLine) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** @param program with all its options */
export function completionFor(shell: Shell, program: Command): string {
  return MAKERS[shell](commandLine(program));
}
