// The columns of a list: wider and narrower by dragging the edge of a heading or by its arrow keys; pinned ones stay in
// sight. Widths are attributes of <col>, places a rule of a sheet of our own, so that the policy has nothing to forbid.
import { $, $$, go, say } from './core.js';

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
let timer;
let placed = '';

const column = (grip) => $(`col[data-key="${CSS.escape(grip.closest('th').dataset.key)}"]`, grip.closest('table'));

const pin = () => {
  const list = $('#list');
  const cols = list ? $$('col', list).slice(0, Number(list.dataset.frozen) + 2) : [];
  let left = 0;
  const rules = cols.map((col, i) => {
    const cell = `tr > :nth-child(${i + 1}):not([colspan])`;
    const rule = `#list .dt ${cell} { position: sticky; left: ${left}px; } #list .dt tbody ${cell} { z-index: 1; } #list .dt tfoot ${cell} { z-index: 3; }`;
    left += $(`thead tr > :nth-child(${i + 1})`, list).offsetWidth;
    return rule;
  });
  // A sheet that changes has the browser look at every element of the page again.
  const text = rules.length ? `@media (min-width: 761px) { ${rules.join('\n')} #list .tablewrap { scroll-padding-inline-start: ${left}px; } }` : '';
  if (text === placed) return;
  placed = text;
  sheet.replaceSync(text);
};

// Until somebody takes a width in hand, the columns share what room there is; then each keeps what it has.
const settle = (grip) => {
  const table = grip.closest('table');
  if (!('fit' in table.dataset)) return;
  const widths = $$('thead tr > *', table).map((cell) => cell.offsetWidth);
  $$('col', table).slice(0, -1).forEach((col, i) => col.setAttribute('width', widths[i]));
  delete table.dataset.fit;
};

const set = (grip, width) => {
  const wide = Math.round(Math.max(60, Math.min(800, width)));
  const col = column(grip);
  col.setAttribute('width', wide);
  col.dataset.set = '';
  grip.setAttribute('aria-valuenow', wide);
  pin();
  return wide;
};

// The address keeps every width that was ever dragged.
const keep = () => {
  const url = new URL($('#list-top').dataset.url, location.origin);
  const widths = $$('#list col[data-set]').map((col) => `${col.dataset.key}:${col.getAttribute('width')}`);
  url.searchParams.set('widths', widths.join(','));
  go(url.pathname + url.search, { replace: true });
};

document.addEventListener('pointerdown', (event) => {
  const grip = event.target.closest?.('.th-size');
  if (!grip) return;
  event.preventDefault();
  const start = event.clientX;
  settle(grip);
  const before = Number(column(grip).getAttribute('width'));
  const moved = (e) => set(grip, before + e.clientX - start);
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener('pointermove', moved);
  grip.addEventListener('pointerup', (e) => {
    grip.removeEventListener('pointermove', moved);
    if (e.clientX !== start) keep();
  }, { once: true });
});

document.addEventListener('keydown', (event) => {
  const grip = event.target.closest?.('.th-size');
  const step = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
  if (!grip || !step) return;
  event.preventDefault();
  settle(grip);
  const wide = set(grip, Number(column(grip).getAttribute('width')) + step * (event.shiftKey ? 5 : 1));
  const name = $('a, .th-t', grip.closest('th')).textContent.trim();
  say(($('#list').dataset.widthWord ?? '').replace('{name}', name).replace('{n}', wide));
  clearTimeout(timer);
  timer = setTimeout(keep, 700);
});

document.addEventListener('htmx:after:swap', pin);
pin();
