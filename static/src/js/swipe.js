// On a phone a row that is swiped to the left shows how to reach the record: call, mail, task.
import htmx from './htmx.js';
import { $, $$ } from './ui.js';

const FAR = 56;
let start;

const close = (except) => {
  for (const cell of $$('.dt td.swipe')) if (cell.parentElement !== except) cell.remove();
};

const open = (row) => {
  close(row);
  if ($('td.swipe', row)) return;
  const cell = document.createElement('td');
  cell.className = 'swipe';
  row.append(cell);
  htmx.ajax('GET', `${row.dataset.href}/reach`, { target: cell, swap: 'innerHTML', source: cell });
};

document.addEventListener('touchstart', (event) => {
  const row = event.target.closest?.('#list .dt tbody tr[data-id]');
  start = row && innerWidth <= 760 && event.touches.length === 1 ? { row, x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
  if (!event.target.closest?.('td.swipe')) close(row);
}, { passive: true });

document.addEventListener('touchmove', (event) => {
  if (!start) return;
  const [touch] = event.touches;
  const [dx, dy] = [touch.clientX - start.x, touch.clientY - start.y];
  if (Math.abs(dy) > 30) start = null;
  else if (dx < -FAR) { open(start.row); start = null; }
  else if (dx > FAR) { close(); start = null; }
}, { passive: true });
