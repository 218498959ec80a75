// <crm-inline>: one field being edited. Enter saves, Escape restores, leaving saves; Tab saves and moves on.
import { $, $$, hold, htmx, resume } from './core.js';

class Inline extends HTMLElement {
  connectedCallback() {
    hold();
    this.form = $('form', this);
    this.addEventListener('keydown', this);
    this.addEventListener('focusout', this);
    this.addEventListener('change', this);
    this.before = this.state();
    requestAnimationFrame(() => {
      if ($('crm-select', this)) return;
      const field = $('input:not([type=hidden]), textarea, select', this);
      if (!field || this.contains(document.activeElement)) return;
      field.focus();
      if (field.matches('input[type=text], input[type=email], input[type=url], input[type=tel], textarea')) field.select();
    });
  }

  disconnectedCallback() { resume(); }

  state() { return this.form ? new URLSearchParams(new FormData(this.form)).toString() : ''; }

  handleEvent(event) {
    if (event.type === 'keydown') this.key(event);
    else if (event.type === 'change') {
      if (event.target.matches('select:not([multiple]), [type=checkbox]')) this.save(true);
    } else if (!this.contains(event.relatedTarget) && !this.closing && this.isConnected) {
      setTimeout(() => { if (this.isConnected && !this.contains(document.activeElement)) this.save(); }, 150);
    }
  }

  key(event) {
    const { key } = event;
    if (key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.cancel();
    } else if (key === 'Enter' && !event.shiftKey && !event.defaultPrevented && !event.target.closest('.ts-control')) {
      if (event.target.matches('textarea') && !(event.ctrlKey || event.metaKey)) return;
      if (event.target.closest('button')) return;
      event.preventDefault();
      this.save(true);
    }
  }

  save(focus = false) {
    if (this.closing) return;
    if (this.state() === this.before && !$('[data-conflict], .field-errors', this)) { this.cancel(); return; }
    this.closing = true;
    const host = this.closest('[data-field]');
    this.form.requestSubmit();
    if (focus) this.giveBack(host);
    setTimeout(() => { this.closing = false; }, 1500);
  }

  cancel() {
    this.closing = true;
    const host = this.closest('[data-field]');
    htmx.ajax('GET', this.dataset.cancel, { target: host ?? this, swap: this.dataset.swap || 'outerHTML' });
    this.giveBack(host);
  }

  // The value that was edited gets the focus back once it is drawn again.
  giveBack(host) {
    if (!host?.id) return;
    const { id } = host;
    document.addEventListener('htmx:after:settle', () => {
      const button = $(`#${CSS.escape(id)} button`);
      if (document.activeElement === document.body || !document.activeElement?.isConnected) button?.focus();
    }, { once: true });
  }
}

customElements.define('crm-inline', Inline);

// Tab inside an editor saves it and opens the next field of the same record.
document.addEventListener('keydown', (event) => {
  const editor = event.target.closest?.('crm-inline');
  if (event.key !== 'Tab' || !editor || event.target.closest('fieldset')) return;
  const values = $$('.fval[hx-get], crm-inline', editor.closest('[data-fields]') ?? document);
  const next = values[values.indexOf(editor) + (event.shiftKey ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  editor.save();
  next.click();
});
