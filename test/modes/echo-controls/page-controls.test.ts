import t from 'tap';
import { pageControls } from '../../../src/modes/echo-controls/page-controls.js';

t.test('every control, with a value of its own', async (t) => {
  const controls = pageControls();
  const of = (name: string): unknown => controls.find((control) => control.name === name);
  t.match(of('delay'), { example: '200ms', help: /./, choices: [] });
  t.match(of('close'), { example: '1008' });
  t.match(of('reason'), { example: 'too slow' });
  t.match(of('after'), { example: '3' });
  t.match(of('mute'), { example: null });
  t.match(of('break'), { example: 'frame-masked', choices: /frame-masked/ });
  for (const { name, example } of controls) t.not(example, '', name);
});
