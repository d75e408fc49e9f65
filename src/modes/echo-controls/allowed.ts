/** What values controls take, in words: for errors, help and guides. */
import { formatDuration, formatSize } from '../../config/values/units.js';
import { BREAK_NAMES } from '../../protocol/break/broken-rules.js';
import { type ControlName, controlOf } from './controls.js';

/** What a control takes, as the second half of a sentence. */
export function allowed(name: ControlName): string {
  const { value: form, example } = controlOf(name);
  const own = example.split('&').find((part) => part.startsWith(`${name}=`)) ?? '';
  switch (form.kind) {
    case 'none':
      return `it has no value, give ${name} alone`;
    case 'duration':
      return `give a duration from ${formatDuration(form.least)} to ${formatDuration(form.most)}, such as ${own}`;
    case 'size':
      return `give a number of bytes from ${formatSize(form.least)} to ${formatSize(form.most)}, such as ${own}`;
    case 'count':
      return `give a number from ${form.least} to ${form.most}`;
    case 'code':
      return 'give a close code that may be sent (1000 to 1003, 1007 to 1014, 3000 to 4999), or none';
    case 'status':
      return 'give 200 or a status from 400 to 599';
    case 'text':
      return `give ${form.isOptional ? 'at most' : '1 to'} ${form.mostBytes} bytes of text`;
    case 'rule':
      return `give the name of a rule: ${BREAK_NAMES.join(', ')}`;
  }
}
