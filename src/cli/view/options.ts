import { Option } from 'commander';

/** The flags of `twist view`, as they were given. */
export interface ViewFlags {
  readonly listen?: string;
  readonly follow?: boolean;
  /** False with `--no-open`. */
  readonly open: boolean;
}

/** The options of `twist view` for commander. */
export function viewOptions(): Option[] {
  return [
    new Option('--listen <[host:]port>', 'where the page listens; 0 is a free port [0]'),
    new Option('-f, --follow', 'show what is added to the file, too'),
    new Option('--no-open', 'do not open a browser'),
  ];
}
