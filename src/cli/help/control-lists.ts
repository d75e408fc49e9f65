/** What clients can ask of the echo with `--echo-controls`, as lists of a page of help. */
import { CONTROL_NAMES, controlOf } from '../../modes/echo-controls/controls.js';
import { allowed } from '../../modes/echo-controls/allowed.js';
import { BREAK_NAMES, brokenRule } from '../../protocol/break/broken-rules.js';
import type { HelpItem, HelpPage } from './help-page.js';

export function addControls(page: HelpPage): void {
  page
    .list('Controls', CONTROL_NAMES.map(controlItem), 'in the query, as in /?delay=200ms&burst=3')
    .list('Rules', BREAK_NAMES.map(ruleItem), 'what break=RULE sends, and what a client must do');
}

function controlItem(name: (typeof CONTROL_NAMES)[number]): HelpItem {
  const { valueName, does, value } = controlOf(name);
  const term = valueName === '' ? name : `${name}=${valueName}`;
  // The rules have a list of their own.
  const hasLimits = value.kind !== 'none' && value.kind !== 'rule';
  return { term, text: does, ...(hasLimits ? { detail: allowed(name) } : {}) };
}

function ruleItem(name: (typeof BREAK_NAMES)[number]): HelpItem {
  const { sends, client, code, section } = brokenRule(name);
  const must = code === null ? client : `${client}, ${code}`;
  return { term: name, text: sends, detail: `${must} (${section})` };
}
