// What failed is told where it happened, with a way to try again and an id to quote. Nothing typed is lost, and
// nothing that is shown goes away.
import htmx from './htmx.js';
import { $, $$, say, toast } from './ui.js';
import { signIn } from './session.js';

const cards = new WeakMap();
const waiting = new Set();

const words = (kind) => {
  const { dataset } = $('#failed');
  return dataset[kind] ?? dataset.server;
};

const card = ({ kind, text, id, retry }) => {
  const made = $('#failed').content.firstElementChild.cloneNode(true);
  $('[data-text]', made).textContent = text ?? words(kind);
  $('[data-quote]', made).hidden = !id;
  $('code', made).textContent = id ?? '';
  const button = $('button', made);
  button.hidden = !retry;
  button.addEventListener('click', () => { waiting.delete(made.again); made.remove(); retry(); });
  return made;
};

const host = ({ form, target, editor }) => {
  if (form) return form;
  if (editor) return editor;
  if (target?.matches('tr')) return target.cells[0];
  if (target?.matches('tbody, thead, table')) return $('td, th', target) ?? target.closest('div');
  return target;
};

// Puts a card into the form, or the part of the page, that failed. `kind`: network, offline, slow or server.
export const failure = ({ kind, text, id, retry, form, target, editor, source }) => {
  const cause = kind === 'network' && !navigator.onLine && (form || editor) && retry ? 'offline' : kind;
  const made = card({ kind: cause, text, id, retry });
  const place = host({ form, target, editor });
  if (!place?.isConnected || place === document.body) {
    toast({ text: text ?? words(cause), level: 'error', act: retry, id });
    return;
  }
  $$(':scope > .failed, .sheet > .failed', place).forEach((old) => old.remove());
  const skeleton = $(':scope > .skel, :scope > .skels', place);
  if (skeleton) place.replaceChildren(made);
  else if (form) ($('.form-acts', form) ?? form.lastElementChild).before(made);
  else (place.id === 'main' ? $('.sheet', place) : place).prepend(made);
  if (source) cards.set(source, made);
  say($('[data-text]', made).textContent);
  if (cause === 'offline') {
    made.again = () => { made.remove(); retry(); };
    waiting.add(made.again);
  }
};

window.addEventListener('online', () => {
  const again = [...waiting];
  waiting.clear();
  again.forEach((retry) => retry());
});

// -- htmx requests ---------------------------------------------------------------------------------

const retryOf = (ctx) => {
  const { sourceElement: source, sourceEvent, request, target, swap, select } = ctx;
  if (request.method === 'GET') return () => htmx.ajax('GET', request.action, { source, target, swap, select });
  if (source.matches('form')) return () => source.requestSubmit(request.submitter ?? null);
  if (sourceEvent?.type) return () => htmx.trigger(source, sourceEvent.type);
  return null;
};

const tell = (ctx, kind, more = {}) => {
  const source = ctx.sourceElement;
  const write = ctx.request.method !== 'GET';
  const form = write && source.closest?.('form, crm-inline');
  const silent = !write && (ctx.kept === 'none' || !ctx.target || !source.isConnected);
  if (silent) return;
  const editor = source.closest?.('crm-inline');
  failure({ kind, retry: retryOf({ ...ctx, swap: ctx.kept ?? ctx.swap }), form: editor ? null : form, editor, target: write ? null : ctx.target, source, ...more });
};

document.addEventListener('htmx:before:request', (event) => {
  const { ctx } = event.detail;
  ctx.kept = ctx.swap;
  cards.get(ctx.sourceElement)?.remove();
});

document.addEventListener('htmx:before:response', (event) => {
  const { ctx } = event.detail;
  const { status, headers } = ctx.response;
  if (status >= 500) {
    // A broken answer never replaces what is on the page.
    ctx.swap = 'none';
    ctx.hx.trigger = null;
    tell(ctx, 'server', { id: headers.get('X-Request-ID') });
  } else if (status === 401) {
    ctx.swap = 'none';
    const retry = retryOf({ ...ctx, swap: ctx.kept });
    signIn().then((back) => { if (back && ctx.sourceElement.isConnected) retry?.(); });
  } else if (status >= 400 && ctx.hx.reswap === 'none' && ctx.hx.trigger) {
    // A refusal that no form shows: where something was typed, it is told there.
    const form = ctx.sourceElement.closest?.('form');
    const items = JSON.parse(ctx.hx.trigger).toast?.items;
    if (form && items?.length && $('input:not([type=hidden]), textarea', form)) {
      ctx.hx.trigger = null;
      failure({ text: items.map((item) => item.text).join(' '), form, source: ctx.sourceElement });
    }
  }
});

document.addEventListener('htmx:error', (event) => {
  const { ctx, error } = event.detail;
  if (!ctx?.request || !ctx.sourceElement || ctx.response) return;
  if (error === 'timeout' || error?.name === 'TimeoutError' || ctx.request.signal.reason === 'timeout') tell(ctx, 'slow');
  else if (/^(TypeError|AbortError|NetworkError)/.test(String(error))) tell(ctx, 'network');
});

// -- no connection ---------------------------------------------------------------------------------

const banner = () => {
  const bar = $('#offline');
  if (!bar || bar.hidden === navigator.onLine) return;
  bar.hidden = navigator.onLine;
  document.documentElement.toggleAttribute('data-offline', !navigator.onLine);
};
window.addEventListener('offline', banner);
window.addEventListener('online', banner);
banner();
