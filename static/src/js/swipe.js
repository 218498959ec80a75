// On a phone a row that is swiped to the left shows how to reach the record: call, mail, task. A task that is swiped to the
// right is done, to the left it is moved to tomorrow.
import { $, $$, follow, htmx, post, toast } from './core.js';

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

const ENOUGH = 88;
let task;

const settle = (row, to) => {
  const done = row.animate([{ transform: row.style.transform || 'none' }, { transform: to }], { duration: 160, easing: 'cubic-bezier(.2,.8,.2,1)' });
  row.style.transform = '';
  row.removeAttribute('data-swiped');
  return done.finished;
};

document.addEventListener('touchstart', (event) => {
  const row = event.target.closest?.('.todo:not([data-done])');
  const [touch] = event.touches;
  task = row && event.touches.length === 1 ? { row, x: touch.clientX, y: touch.clientY } : null;
}, { passive: true });

document.addEventListener('touchmove', (event) => {
  if (!task) return;
  const dx = event.touches[0].clientX - task.x;
  if (!task.moving && Math.abs(event.touches[0].clientY - task.y) > Math.abs(dx)) { task = null; return; }
  if (Math.abs(dx) < 12) return;
  task.moving = true;
  task.dx = dx;
  task.row.style.transform = `translateX(${Math.sign(dx) * Math.min(Math.abs(dx), 140)}px)`;
  task.row.dataset.swiped = Math.abs(dx) < ENOUGH ? '' : dx > 0 ? 'done' : 'later';
}, { passive: true });

document.addEventListener('touchend', async () => {
  const { row, moving, dx } = task ?? {};
  task = null;
  if (!moving) return;
  await settle(row, 'none');
  if (dx >= ENOUGH) $('.tick', row)?.click();
  else if (dx <= -ENOUGH) {
    const data = { task: row.id.replace('row-t-', ''), to: 'tomorrow', next: location.pathname + location.search };
    const response = await post('/tasks/reschedule', data).catch(() => null);
    if (response) follow(response); else toast({ text: $('#failed').dataset.network, level: 'error' });
  }
});

document.addEventListener('touchcancel', () => { if (task?.moving) settle(task.row, 'none'); task = null; });
