import { render } from 'preact';
import '../shared/base.css';
import { ThemeToggle, applyStoredTheme } from '../shared/theme.js';

applyStoredTheme();
render(<ThemeToggle />, document.getElementById('page') ?? document.body);
