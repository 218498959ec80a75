// Forms: drafts kept in this browser until they are sent, Ctrl-Enter to send, and no double sending.
import { $, $$ } from './ui.js';

const keyOf = (form) => `draft:${document.body.dataset.user ?? ''}:${form.dataset.draft}`;
const fields = (form) => $$('input, textarea, select', form).filter((f) => f.name && !['hidden', 'password', 'file'].includes(f.type));

const store = (form) => {
  const kept = {};
  for (const field of fields(form)) {
    if (['checkbox', 'radio'].includes(field.type)) continue;
    if (field.value && field.value !== field.defaultValue && !field.multiple) kept[field.name] = field.value;
  }
  try {
    if (Object.keys(kept).length) localStorage.setItem(keyOf(form), JSON.stringify(kept));
    else localStorage.removeItem(keyOf(form));
  } catch { /* private mode, or full */ }
};

const restore = (form) => {
  if (form.dataset.restored) return;
  form.dataset.restored = '1';
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(keyOf(form)) ?? 'null'); } catch { /* broken or private mode */ }
  if (!kept) return;
  let used = false;
  for (const field of fields(form)) {
    if (field.tagName !== 'SELECT' && !field.value && kept[field.name]) { field.value = kept[field.name]; used = true; }
  }
  const note = $('[data-draft-note]', form);
  if (used && note) note.hidden = false;
  form.dispatchEvent(new Event('input', { bubbles: true }));
};

const forget = (form) => { try { localStorage.removeItem(keyOf(form)); } catch { /* private mode */ } };

let timer;
document.addEventListener('input', (event) => {
  const form = event.target.closest?.('form[data-draft]');
  if (!form) return;
  clearTimeout(timer);
  timer = setTimeout(() => store(form), 400);
});
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-draft-drop]');
  if (!button) return;
  const form = button.closest('form');
  forget(form);
  form.reset();
  $('[data-draft-note]', form).hidden = true;
});

// A form that was sent and accepted has no draft any more.
document.addEventListener('htmx:after:request', (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.('form[data-draft]');
  if (form && ctx.response?.status < 400) forget(form);
});

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

// Plain sending of a form twice in a row is stopped.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if ([...form.attributes].some((a) => a.name.startsWith('hx-'))) return;
  if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 2000) event.preventDefault();
  else form.dataset.sent = String(Date.now());
});

const scan = () => $$('form[data-draft]').forEach(restore);
scan();
document.addEventListener('htmx:after:swap', scan);
