// The keys that work on every page, read from the sheet behind `?` (crm.ui.keys). Single letters do nothing while
// typing and can be switched off in the profile. A prefix (G, C) waits for its second letter.
import htmx from './htmx.js';
import { $, $$, post, say, typing, visit } from './ui.js';

const WAIT = 1500;
let prefix = '';
let timer;

const shown = (el) => el.checkVisibility?.() ?? true;

const openDialog = (name) => {
  if (name === 'cmd') $('crm-palette')?.open();
  else $(`dialog#${CSS.escape(name)}`)?.showModal();
};

// Something new is made in a dialog over the page.
export const make = (url) => htmx.ajax('GET', `${url}${url.includes('?') ? '&' : '?'}quick=1`, { target: '#dialog-body', swap: 'innerHTML' });

const acts = {
    keys: () => openDialog('keys'),
  theme: () => window.switchTheme(),
  rail: () => window.switchRail(),
  make: ({ url }) => make(url),
};

const rows = () => $$('#keys [data-key]').filter(({ dataset: d }) => d.act || d.click || d.url);
const named = (event) => (event.key === 'Delete' ? 'Del' : event.key.length === 1 ? event.key.toLowerCase() : event.key);

const run = ({ dataset }) => {
  if (dataset.act) { acts[dataset.act]?.(dataset); return true; }
  if (dataset.url) { visit(dataset.url); return true; }
  const el = $$(dataset.click).find(shown);
  if (!el) return false;
  el.click();
  if (el.dataset.compose) requestAnimationFrame(() => $('#composer textarea')?.focus());
  return true;
};

const clear = () => {
  clearTimeout(timer);
  prefix = '';
  $('#prefix')?.remove();
};

// After a moment the letters that may follow are shown.
const begin = (key) => {
  prefix = key;
  timer = setTimeout(() => {
    const hint = document.createElement('div');
    hint.id = 'prefix';
    hint.className = 'prefix';
    hint.setAttribute('role', 'status');
    for (const row of rows().filter((r) => r.dataset.key.startsWith(`${key} `))) {
      const line = document.createElement('span');
      const cap = document.createElement('kbd');
      cap.className = 'kbd';
      cap.textContent = row.dataset.key.at(-1).toUpperCase();
      line.append(cap, ` ${$('dt', row).textContent}`);
      hint.append(line);
    }
    document.body.append(hint);
    timer = setTimeout(clear, 5000);
  }, WAIT / 3);
};

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && prefix) { clear(); return; }
  if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || $('dialog[open]')) return;
  const key = named(event);
  const letters = !('noKeys' in document.documentElement.dataset);
  if (!letters && key.length === 1 && key !== '/') return;
  const all = rows();
  if (prefix) {
    const row = all.find((r) => r.dataset.key === `${prefix} ${key}`);
    if (event.key !== 'Shift') clear();
    if (row) { event.preventDefault(); run(row); return; }
  }
  const row = all.find((r) => r.dataset.key.split('|').includes(key) && (!r.dataset.click || $$(r.dataset.click).some(shown)));
  if (row) { event.preventDefault(); run(row); } else if (letters && all.some((r) => r.dataset.key.startsWith(`${key} `))) begin(key);
});

document.addEventListener('ui:open', (event) => openDialog(event.detail.name));

document.addEventListener('click', (event) => {
  clear();
  const opener = event.target.closest('[data-open]');
  if (opener && opener.dataset.open !== 'cmd') {
    opener.closest('[popover]')?.hidePopover();
    openDialog(opener.dataset.open);
  }
  const closer = event.target.closest('[data-close]');
  if (closer) closer.closest('dialog')?.close();
  if (event.target.matches?.('dialog.dialog[open]')) event.target.close();
});

// What the browser keeps at once is kept in the profile too.
document.addEventListener('theme:changed', (event) => {
  const main = $('#main');
  if (main?.dataset.theme) main.dataset.theme = event.detail.theme;
  if (document.body.dataset.user) post('/settings/theme', { theme: event.detail.theme }).catch(() => {});
});

// In a rail the words of the side bar are tooltips.
const tips = () => {
  const rail = document.documentElement.hasAttribute('data-rail');
  for (const el of $$('.side .nav, .side-find')) {
    if (rail) el.title = $('.txt', el)?.textContent ?? ''; else el.removeAttribute('title');
  }
  $('[data-rail-toggle]')?.setAttribute('aria-expanded', String(!rail));
};
document.addEventListener('rail:changed', (event) => { tips(); say($('[data-rail-toggle]')?.dataset[event.detail.on ? 'narrow' : 'wide'] ?? ''); });
document.addEventListener('htmx:after:swap', (event) => { if ($('#favourites')?.contains(event.target)) tips(); });
tips();

// Arrow keys inside an open menu.
document.addEventListener('keydown', (event) => {
  const menu = event.target.closest?.('.menu:popover-open');
  if (!menu || !['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key) || event.target.matches('select, textarea, [type=radio]')) return;
  const items = $$('.mi:not([hidden])', menu);
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(event.target.closest('.mi'));
  const next = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, Home: 0, End: items.length - 1 }[event.key];
  items[(next + items.length) % items.length].focus();
});

// ?compose=note in an address opens the composer of a record.
const compose = () => {
  const url = new URL(location.href);
  const kind = url.searchParams.get('compose');
  if (!kind) return;
  url.searchParams.delete('compose');
  history.replaceState(history.state, '', url);
  $(`[data-compose=${CSS.escape(kind)}]`)?.click();
  requestAnimationFrame(() => $('#composer textarea')?.focus());
};
document.addEventListener('page:shown', compose);
compose();
