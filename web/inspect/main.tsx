import { render } from 'preact';
import '../shared/base.css';
import '../shared/virtual-list.css';
import '../shared/payload.css';
import 'uplot/dist/uPlot.min.css';
import './inspect.css';
import { applyStoredTheme } from '../shared/theme.js';
import { App } from './app.js';
import { Inspector } from './inspector.js';
import { listenForKeys } from './keys.js';

applyStoredTheme();
const root = document.getElementById('page') ?? document.body;
const inspector: Inspector = new Inspector(() => {
  render(<App inspector={inspector} turn={++turn} />, root);
});
let turn = 0;
listenForKeys(inspector);
