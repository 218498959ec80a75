// <crm-palette>: the search and command dialog. Results come from the server and stay until newer ones arrive. Opened
// on a selection or on a record, what can be done with that comes first. Tab shows the acts of the marked record.
import htmx from './htmx.js';
import { $, $$, follow, post, typing, visit } from './ui.js';
import { make } from './shortcuts.js';

const folded = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

class Palette extends HTMLElement {
  connectedCallback() {
    this.dialog = $('dialog', this);
    this.input = $('input', this);
    this.list = $('[role=listbox]', this);
    this.found = $('#cmd-found', this);
    this.at = 0;
    for (const type of ['keydown', 'click', 'htmx:after:swap']) document.addEventListener(type, this);
    this.list.addEventListener('pointermove', this);
    this.input.addEventListener('input', this);
    this.dialog.addEventListener('close', this);
  }

  disconnectedCallback() {
    for (const type of ['keydown', 'click', 'htmx:after:swap']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'keydown') this.key(event);
    else if (event.type === 'click') this.click(event);
    else if (event.type === 'input') { this.acts = ''; this.narrow(); } else if (event.type === 'close') this.wanted = null;
    else if (event.type === 'pointermove') {
      const option = event.target.closest('[role=option]');
      if (option) this.mark(this.options.indexOf(option));
    } else if (event.target === this.found || event.detail?.ctx?.target === this.found) this.arrived();
  }

  get options() { return $$('[role=option]:not([hidden], [aria-disabled])', this.list); }

  // Whoever types faster than the server answers and presses Enter opens what he typed.
  arrived() {
    const pages = matchMedia('(max-width: 760px)').matches && $('[data-pages]', this.found);
    if (pages && this.found.firstElementChild !== pages) this.found.prepend(pages);
    this.shown = this.input.value;
    this.mark(0);
    if (this.wanted !== null && this.wanted === this.shown && !this.acts) this.go(this.options[0]);
  }

  open(start = '') {
    if (this.dialog.open) return;
    this.scope();
    this.input.value = start;
    this.acts = '';
    this.shown = null;
    this.wanted = null;
    this.dialog.showModal();
    this.input.focus();
    this.narrow();
    this.input.dispatchEvent(new Event('palette:open', { bubbles: true }));
  }

  // -- what the palette was opened on ------------------------------------------------------------

  scope() {
    const bulk = $('.bulk:not([hidden])');
    const record = $('#record-title');
    const label = bulk ? `${$('[data-n]', bulk).textContent} ${this.dataset.selected}` : record?.textContent.trim();
    const found = bulk ? $$('button:not([data-clear], [hidden])', bulk)
      : record ? ['[data-compose]', '.rec-acts .btn', '#rec-more .mi'].flatMap((some) => $$(some, $('#main'))) : [];
    this.scoped(label, found.filter((el) => el.textContent.trim()));
  }

  scoped(label, elements) {
    const box = $('#cmd-scoped', this);
    const chip = $('[data-scope]', this);
    chip.hidden = !elements.length;
    $('span', chip).textContent = label ?? '';
    $('#cmd-scoped-t', this).textContent = label ?? '';
    $$('[role=option]', box).forEach((option) => option.remove());
    box.append(...elements.map((el, i) => {
      const option = $('#cmd-option', this).content.firstElementChild.cloneNode(true);
      option.id = `cs-${i}`;
      option.run = el;
      const icon = $('svg', el)?.cloneNode(true);
      if (icon) { icon.setAttribute('class', 'icon'); $('.co-i', option).append(icon); }
      $('.co-l', option).textContent = [...el.childNodes].filter((n) => !n.matches?.('.end, svg')).map((n) => n.textContent).join('').trim();
      return option;
    }));
  }

  narrow() {
    const box = $('#cmd-scoped', this);
    const typed = this.input.value.trim();
    const words = folded(typed.replace(/^>/, '')).split(/\s+/).filter(Boolean);
    for (const option of $$('[role=option]', box)) option.hidden = /^[#@]/.test(typed) || !words.every((w) => folded(option.textContent).includes(w));
    box.hidden = !$$('[role=option]:not([hidden])', box).length;
    this.mark(0);
  }

  // -- moving and opening ------------------------------------------------------------------------

  mark(index) {
    const { options } = this;
    $$('[role=option]', this.list).forEach((option) => option.setAttribute('aria-selected', String(option === options[index])));
    this.at = index;
    const option = options[index];
    if (!option) { this.input.removeAttribute('aria-activedescendant'); return; }
    option.scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', option.id);
  }

  go(option, apart) {
    if (!option) return;
    const { href, how } = option.dataset;
    this.dialog.close();
    if (option.run) option.run.click();
    else if (apart) window.open(href, '_blank', 'noopener');
    else if (how === 'make') make(href);
    else if (how === 'post') post(href).then(follow, () => {});
    else if (href) visit(href);
  }

  async more() {
    const option = this.options[this.at];
    if (!option?.dataset.kind) return;
    this.acts = option.dataset.href;
    $('#cmd-scoped', this).hidden = true;
    await htmx.ajax('GET', `/palette?of=${encodeURIComponent(this.acts)}`, { target: '#cmd-found', swap: 'innerHTML' });
  }

  less() {
    this.acts = '';
    this.narrow();
    this.input.dispatchEvent(new Event('palette:open', { bubbles: true }));
  }

  click(event) {
    if (event.target.closest('[data-open=cmd]')) this.open();
    else if (!this.contains(event.target)) return;
    else if (event.target.closest('[data-scope]')) { this.scoped('', []); this.narrow(); this.input.focus(); } else if (event.target === this.dialog || event.target.closest('[data-close]')) this.dialog.close();
    else this.go(event.target.closest('[role=option]'), event.ctrlKey || event.metaKey);
  }

  key(event) {
    const k = event.key;
    if ((event.ctrlKey || event.metaKey) && k.toLowerCase() === 'k') {
      event.preventDefault();
      if (this.dialog.open) this.dialog.close(); else if (!$('dialog[open]')) this.open();
      return;
    }
    if (!this.dialog.open) {
      if (k === '/' && !typing(event) && !$('dialog[open]')) { event.preventDefault(); this.open(); }
      return;
    }
    const count = this.options.length;
    const stop = () => { event.preventDefault(); event.stopPropagation(); };
    if ((k === 'ArrowDown' || k === 'ArrowUp') && count) {
      stop();
      this.mark((this.at + (k === 'ArrowDown' ? 1 : -1) + count) % count);
    } else if (k === 'Tab' && event.target === this.input && (event.shiftKey ? this.acts : this.options[this.at]?.dataset.kind)) {
      stop();
      if (event.shiftKey) this.less(); else this.more();
    } else if (k === 'Escape' && this.acts) { stop(); this.less(); } else if (k === 'Backspace' && !this.input.value && event.target === this.input) {
      if (this.acts) this.less(); else if (!$('[data-scope]', this).hidden) { this.scoped('', []); this.narrow(); }
    } else if (k === 'Enter' && event.target === this.input) {
      stop();
      const own = this.options[this.at];
      if (this.acts || own?.run || this.shown === this.input.value) this.go(own, event.ctrlKey || event.metaKey);
      else this.wanted = this.input.value;
    }
  }
}

customElements.define('crm-palette', Palette);
