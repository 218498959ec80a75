// The entry: htmx with its extensions, what every page needs, and the heavy parts by need.
import './htmx.js';
import 'htmx.org/dist/ext/hx-preload.js';
import './live.js';
import './failures.js';
import './navigation.js';
import './socket.js';
import './presence.js';
import './record.js';
import './toasts.js';
import './palette.js';
import './shortcuts.js';
import './lists.js';
import './table.js';
import './widths.js';
import './swipe.js';
import './inline.js';
import './forms.js';
import './tabs.js';
import './peek.js';
import './seen.js';

// An element's module is loaded when the element first appears, also after a swap.
const lazy = {
  'crm-chart': () => import('./chart.js'),
  'crm-board': () => import('./board.js'),
  'crm-merge': () => import('./merge.js'),
  'crm-compose': () => import('./compose.js'),
  'crm-arrange': () => import('./arrange.js'),
  'crm-drops': () => import('./drops.js'),
  'crm-select': () => import('./select.js'),
  'crm-upload': () => import('./upload.js'),
  'crm-columns': () => import('./columns.js'),
  'crm-favourites': () => import('./favourites.js'),
};
const scan = () => {
  for (const tag of Object.keys(lazy)) {
    if (document.querySelector(tag)) {
      lazy[tag]();
      delete lazy[tag];
    }
  }
};
scan();
document.addEventListener('htmx:after:swap', scan);
document.documentElement.dataset.ready = '';
