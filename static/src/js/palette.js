// <crm-palette>: the search and command dialog. Results come from the server; this moves the mark and opens.
import { $, $$, typing, visit } from './ui.js';

class Palette extends HTMLElement {
  connectedCallback() {
    this.dialog = $('dialog', this);
    this.input = $('input', this);
    this.list = $('[role=listbox]', this);
    this.at = 0;
    document.addEventListener('keydown', this);
    document.addEventListener('click', this);
    this.list.addEventListener('htmx:after:swap', this);
    document.addEventListener('htmx:after:swap', this);
    this.list.addEventListener('pointermove', this);
  }

  disconnectedCallback() {
    for (const type of ['keydown', 'click', 'htmx:after:swap']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'keydown') this.key(event);
    else if (event.type === 'click') this.click(event);
    else if (event.type === 'pointermove') {
      const option = event.target.closest('[role=option]');
      if (option) this.mark(this.options.indexOf(option));
    } else if (event.detail?.ctx?.target === this.list || event.currentTarget === this.list) this.mark(0);
  }

  get options() { return $$('[role=option]', this.list); }

  open(start = '') {
    if (this.dialog.open) return;
    this.input.value = start;
    this.dialog.showModal();
    this.input.focus();
    this.input.dispatchEvent(new Event('palette:open', { bubbles: true }));
  }

  mark(index) {
    const { options } = this;
    options.forEach((option, i) => option.setAttribute('aria-selected', String(i === index)));
    this.at = index;
    const option = options[index];
    if (!option) { this.input.removeAttribute('aria-activedescendant'); return; }
    option.scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', option.id);
  }

  go(option, apart) {
    if (!option) return;
    const { href, open } = option.dataset;
    this.dialog.close();
    if (open) document.dispatchEvent(new CustomEvent('ui:open', { detail: { name: open } }));
    else if (apart) window.open(href, '_blank', 'noopener');
    else if (href) visit(href);
  }

  click(event) {
    if (event.target.closest('[data-open=cmd]')) this.open();
    else if (event.target === this.dialog || (this.contains(event.target) && event.target.closest('[data-close]'))) this.dialog.close();
    else if (this.contains(event.target)) this.go(event.target.closest('[role=option]'), event.ctrlKey || event.metaKey);
  }

  key(event) {
    const k = event.key;
    if ((event.ctrlKey || event.metaKey) && k.toLowerCase() === 'k') {
      event.preventDefault();
      if (this.dialog.open) this.dialog.close(); else this.open();
      return;
    }
    if (!this.dialog.open) {
      if (k === '/' && !typing(event) && !document.querySelector('dialog[open]')) { event.preventDefault(); this.open(); }
      return;
    }
    const count = this.options.length;
    if ((k === 'ArrowDown' || k === 'ArrowUp') && count) {
      event.preventDefault();
      this.mark((this.at + (k === 'ArrowDown' ? 1 : -1) + count) % count);
    } else if (k === 'Enter') {
      event.preventDefault();
      this.go(this.options[this.at], event.ctrlKey || event.metaKey);
    }
  }
}

customElements.define('crm-palette', Palette);
