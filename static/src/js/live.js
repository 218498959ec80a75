// What every htmx request of the page carries, and how its failures are told. No js: values, hx-on or
// trigger filters anywhere: the policy forbids eval.
import { $, $$, reload, token, tab } from './ui.js';

document.addEventListener('htmx:config:request', (event) => {
  const { request } = event.detail.ctx;
  request.headers['X-Tab-Id'] = tab;
  if (request.method !== 'GET') request.headers['X-CSRFToken'] = token();
});

// While something is dragged or edited, socket messages wait instead of changing it underneath.
let held = 0;
let release;
let gate = Promise.resolve();
export const hold = () => {
  held += 1;
  if (held === 1) gate = new Promise((resolve) => { release = resolve; });
};
export const resume = () => {
  if (!held) return;
  held -= 1;
  if (!held) release();
};
export const waiting = () => gate;

// A first invalid field takes the focus after a form came back with 422.
document.addEventListener('htmx:after:swap', (event) => {
  const { ctx } = event.detail;
  if (ctx?.response?.status === 422) $('[aria-invalid=true], [role=alert]', ctx.target ?? document)?.focus?.();
});

// htmx copies the style attribute of an element that a swap replaces, which the policy forbids (and reports).
document.addEventListener('htmx:before:swap', (event) => {
  const { target } = event.detail.ctx;
  target?.querySelectorAll?.('[id][style]').forEach((element) => element.removeAttribute('style'));
});

// Files and dialogs opened by htmx: whatever lands in #dialog-body is shown, and `dialog:close` closes it.
document.addEventListener('htmx:after:swap', () => {
  const dialog = $('#dialog');
  const body = $('#dialog-body');
  if (dialog && body?.children.length && !dialog.open) {
    dialog.showModal();
    const first = $('[autofocus], .dialog-b input:not([type=hidden]), .dialog-b textarea, .dialog-b select:not(.tomselected), .dialog-b .ts-control input, .dialog-b .btn', body);
    if (first && !$('crm-select[autofocus]', body)) first.focus();
  }
});
document.addEventListener('dialog:close', () => {
  const dialog = $('#dialog');
  dialog?.close();
});
// Another page is shown: nothing of the one before stays open over it.
document.addEventListener('page:leave', () => {
  $('#dialog-body')?.replaceChildren();
  $$('dialog[open]').forEach((dialog) => dialog.close());
  $$(':popover-open').forEach((menu) => menu.hidePopover());
});
document.addEventListener('close', (event) => {
  if (event.target.id === 'dialog') $('#dialog-body').replaceChildren();
}, true);

// `page:refresh` from a server answer: the page is read again where it stands.
document.addEventListener('page:refresh', reload);
