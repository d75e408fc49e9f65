/** The controls as the page of an echo server shows them: a field for each that has a value, a box to check for each other one. */
import type { PageControl } from '../../http/page-source.js';
import { BREAK_NAMES } from '../../protocol/break/broken-rules.js';
import { CONTROL_NAMES, controlOf } from './controls.js';

export function pageControls(): readonly PageControl[] {
  return CONTROL_NAMES.map((name) => {
    const { does, example, value } = controlOf(name);
    return {
      name,
      // An example may have other controls beside it.
      example: value.kind === 'none' ? null : new URLSearchParams(example).get(name),
      help: does,
      choices: value.kind === 'rule' ? BREAK_NAMES : [],
    };
  });
}
