import { render } from 'preact';
import '../shared/base.css';
import '../shared/virtual-list.css';
import './echo.css';
import { applyStoredTheme } from '../shared/theme.js';
import { App } from './app.js';
import { Bench } from './bench.js';

applyStoredTheme();
render(<App bench={new Bench()} />, document.getElementById('page') ?? document.body);
