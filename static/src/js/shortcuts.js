// Keys that work on every page: G and a letter to go somewhere, C to create, T for the theme, ? for the list.
// Single letters do nothing while typing and can be switched off in the profile.
import { $, $$, typing, visit } from './ui.js';

let prefix = 0;

const openDialog = (name) => {
  if (name === 'cmd') $('crm-palette')?.open();
  else $(`dialog#${CSS.escape(name)}`)?.showModal();
};

document.addEventListener('ui:open', (event) => openDialog(event.detail.name));

document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-open]');
  if (opener && opener.dataset.open !== 'cmd') {
    opener.closest('[popover]')?.hidePopover();
    openDialog(opener.dataset.open);
  }
  const closer = event.target.closest('[data-close]');
  if (closer) closer.closest('dialog')?.close();
  if (event.target.matches?.('dialog.dialog[open]')) event.target.close();
});

document.addEventListener('keydown', (event) => {
  if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return;
  if ('noKeys' in document.documentElement.dataset) return;
  const key = event.key.toLowerCase();
  if (Date.now() - prefix < 1200) {
    prefix = 0;
    const item = key === 's' ? { href: '/settings' } : $(`.nav[data-key="${CSS.escape(key)}"]`);
    if (item) { event.preventDefault(); visit(item.href); return; }
  }
  const act = {
    g: () => { prefix = Date.now(); },
    c: () => $('crm-palette')?.open('> '),
    t: () => window.switchTheme(),
    '?': () => openDialog('keys'),
    e: () => $('[data-edit-record]')?.click(),
    n: () => $('[data-compose=note]')?.click(),
  }[key];
  if (act) { event.preventDefault(); act(); }
});

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
