// The entry: htmx with its extensions, what every page needs, and the heavy parts by need.
import './htmx.js';
import 'htmx.org/dist/ext/hx-preload.js';
import { person } from './person.js';
import './live.js';
import './failures.js';
import './navigation.js';
import './socket.js';
import './toasts.js';
import './palette.js';
import './shortcuts.js';
import './lists.js';
import './forms.js';
import './tabs.js';
import './peek.js';

// An element's module is loaded when the element first appears, also after a swap.
const lazy = {
  'crm-inline': () => import('./inline.js'),
  'crm-presence, [data-editing]': () => import('./presence.js'),
  'crm-table': () => import('./table.js'),
  'crm-chart': () => import('./chart.js'),
  'crm-record, crm-compose': () => import('./record.js'),
  'crm-seen': () => import('./seen.js'),
  'crm-board': () => import('./board.js'),
  'crm-hits': () => import('./hits.js'),
  'crm-states': () => import('./states.js'),
  'crm-merge': () => import('./merge.js'),
  'crm-queue': () => import('./queue.js'),
  'crm-arrange': () => import('./arrange.js'),
  'crm-drops': () => import('./drops.js'),
  'crm-select': () => import('./select.js'),
  'crm-upload': () => import('./upload.js'),
  'crm-columns': () => import('./columns.js'),
  'crm-favourites': () => import('./favourites.js'),
  '.todo': () => import('./todos.js'),
};
const scan = () => Object.keys(lazy).filter((tag) => document.querySelector(tag)).map((tag) => {
  const loaded = lazy[tag]();
  delete lazy[tag];
  return loaded;
});
const first = scan();
// Only fingers swipe.
if (navigator.maxTouchPoints > 0) first.push(import('./swipe.js'));
document.addEventListener('htmx:after:swap', scan);
// Nobody edits in place before he has touched anything.
person.then(() => import('./inline.js'));
Promise.allSettled(first).then(() => { document.documentElement.dataset.ready = ''; });
