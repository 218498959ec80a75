// Forms: what is typed is kept in this browser until it is sent, Ctrl-Enter sends, nothing is sent twice.
// Every form that writes has a draft, named by data-draft or by its address; data-draft="off" has none.
import { $, $$ } from './ui.js';

const DAYS = 14;
const prefix = () => `draft:${document.body.dataset.user ?? ''}:`;
const keyOf = (form) => prefix() + (form.dataset.draft || (form.getAttribute('hx-post') ?? form.getAttribute('action')) || location.pathname);
const writes = (form) => (form.hasAttribute('hx-post') || form.method === 'post') && form.dataset.draft !== 'off'
  && Boolean(document.body.dataset.user) && !form.closest('crm-inline, #entrance') && !$('[type=password], [type=file]', form)
  && Boolean($('textarea, input:not([type]), [type=text], [type=email], [type=url], [type=tel]', form));
const fields = (form) => [...form.elements].filter((f) => f.name && !['hidden', 'password', 'file', 'submit', 'button'].includes(f.type));
const ticked = (field) => ['checkbox', 'radio'].includes(field.type);
const before = (field) => (field.tagName === 'SELECT' ? [...field.options].find((o) => o.defaultSelected)?.value ?? '' : field.defaultValue);

const read = (form) => { try { return JSON.parse(localStorage.getItem(keyOf(form)) ?? 'null'); } catch { return null; } };
const forget = (form) => { try { localStorage.removeItem(keyOf(form)); } catch { /* private mode */ } };

const store = (form) => {
  const kept = {};
  for (const field of fields(form)) {
    if (field.multiple) continue;
    if (ticked(field)) { if (field.checked !== field.defaultChecked) kept[`${field.name}=${field.value}`] = field.checked; } else if (field.value !== before(field)) kept[field.name] = field.value;
  }
  const typed = Object.values(kept).some((value) => typeof value === 'string' && value.trim());
  try {
    if (typed) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), kept }));
    else localStorage.removeItem(keyOf(form));
  } catch { /* private mode, or full */ }
};

const fill = (form, kept) => {
  for (const field of fields(form)) {
    const value = kept[ticked(field) ? `${field.name}=${field.value}` : field.name];
    if (value === undefined) continue;
    if (ticked(field)) field.checked = value;
    else if (field.tomselect) field.tomselect.setValue(value, true);
    else field.value = value;
  }
  form.dispatchEvent(new Event('input', { bubbles: true }));
};

// An empty form gets its draft back at once; one that holds values offers it.
const restore = (form) => {
  if (form.dataset.restored || !writes(form)) return;
  form.dataset.restored = '1';
  const found = read(form);
  const kept = found?.kept;
  const wanted = kept && fields(form).filter((f) => kept[f.name] !== undefined && kept[f.name] !== f.value);
  if (!wanted?.length) return;
  const note = $('#draft-note')?.content.firstElementChild.cloneNode(true);
  if (!note) return;
  const empty = wanted.every((field) => field.tagName === 'SELECT' || !field.value);
  if (empty) fill(form, kept);
  $('[data-back]', note).hidden = !empty;
  $('[data-offer]', note).hidden = empty;
  $('[data-take]', note).hidden = empty;
  $('time', note).textContent = new Intl.DateTimeFormat(document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(found.at);
  $('[data-take]', note).addEventListener('click', () => { fill(form, kept); note.remove(); });
  $('[data-drop]', note).addEventListener('click', () => { forget(form); if (empty) form.reset(); note.remove(); });
  form.prepend(note);
};

let timer;
let pending;
const flush = () => {
  clearTimeout(timer);
  if (pending?.isConnected) store(pending);
  pending = null;
};
for (const type of ['input', 'change']) {
  document.addEventListener(type, (event) => {
    const form = event.target.form ?? event.target.closest?.('form');
    if (!form || !event.isTrusted || !writes(form)) return;
    if (pending !== form) flush();
    pending = form;
    clearTimeout(timer);
    timer = setTimeout(flush, 400);
  });
}
window.addEventListener('pagehide', flush);
document.addEventListener('page:leave', flush);

// A form that was sent and accepted has no draft any more.
const sent = (form) => { if (form === pending) { clearTimeout(timer); pending = null; } forget(form); };
document.addEventListener('form:sent', (event) => sent(event.target));
document.addEventListener('htmx:after:request', (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.('form');
  if (form && ctx.request.method !== 'GET' && ctx.response?.status < 400) sent(form);
});

// Drafts end with signing out, and after two weeks.
const sweep = (all) => {
  try {
    for (const key of Object.keys(localStorage).filter((k) => k.startsWith(all ? prefix() : 'draft:'))) {
      if (all || !(JSON.parse(localStorage.getItem(key)).at > Date.now() - DAYS * 864e5)) localStorage.removeItem(key);
    }
  } catch { /* private mode */ }
};
sweep(false);
document.addEventListener('submit', (event) => { if (event.target.matches('[action="/account/sign-out"]')) sweep(true); });

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.('form');
  if (form && !event.target.closest('crm-inline')) { event.preventDefault(); form.requestSubmit(); }
});

// A button that needs text is disabled until there is some.
const needs = (form) => {
  const button = $('[data-needs-text]', form);
  if (button) button.toggleAttribute('aria-disabled', !$('textarea, input[type=text]', form)?.value.trim());
};
document.addEventListener('input', (event) => { const form = event.target.closest?.('form'); if (form) needs(form); });

// A form that writes goes once, however often its button is clicked: not while the same is on its way, nor right after.
const posted = new WeakMap();
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.hasAttribute('hx-post')) return;
  const what = String(new URLSearchParams(new FormData(form, event.submitter)));
  const before = posted.get(form);
  if (before?.what === what && (form.classList.contains('htmx-request') || Date.now() < before.until)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else posted.set(form, { what, until: Date.now() + 1000 });
}, true);
// It may leave for another page, which takes its time on a slow line; what failed may be tried again at once.
for (const type of ['htmx:after:request', 'htmx:error']) {
  document.addEventListener(type, ({ detail: { ctx } }) => {
    const before = posted.get(ctx?.sourceElement);
    if (before) before.until = type !== 'htmx:error' && ctx.hx?.redirect ? Date.now() + 9000 : 0;
  }, true);
}

// Plain sending of a form twice in a row is stopped.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if ([...form.attributes].some((a) => a.name.startsWith('hx-'))) return;
  if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 2000) event.preventDefault();
  else form.dataset.sent = String(Date.now());
});

const scan = () => $$('form').forEach(restore);
scan();
document.addEventListener('htmx:after:swap', scan);
