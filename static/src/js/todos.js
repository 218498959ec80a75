// Rows of tasks by keys, as those of any list: J and K or the arrows go on and back, X ticks one.
import { $, $$, typing } from './core.js';

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

document.addEventListener('keydown', (event) => {
  const { key } = event;
  if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || $('dialog[open], :popover-open')) return;
  if (key.length === 1 && 'noKeys' in document.documentElement.dataset) return;
  const rows = $$('#main .todo').filter((row) => row.offsetParent);
  const at = rows.indexOf(document.activeElement?.closest('.todo'));
  if (key in STEPS && rows.length && (at >= 0 || key.length === 1)) {
    event.preventDefault();
    $('a', rows[Math.max(0, Math.min(rows.length - 1, at + STEPS[key]))])?.focus();
  } else if (key === 'x' && at >= 0) $('.check', rows[at])?.click();
});
