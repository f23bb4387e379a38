import { render } from 'preact';
import './app.css';
import { Shell } from './shell.tsx';
import { showTheme } from './state.ts';

showTheme();
const root = document.getElementById('app');
if (root !== null) render(<Shell />, root);
