// <crm-arrange data-url="/home/arrange">: its cards are put into another order, by dragging or with the buttons that
// stand on each while arranging, and the order is kept.
import { $, $$, hold, post, resume, say, sorting } from './core.js';

class Arrange extends HTMLElement {
  connectedCallback() {
    this.on = false;
    document.addEventListener('click', this);
  }

  disconnectedCallback() {
    document.removeEventListener('click', this);
    this.stop();
  }

  get columns() { return $$('[data-column]', this); }

  handleEvent(event) {
    const toggle = event.target.closest('[data-arrange]');
    const step = event.target.closest('[data-step]');
    if (toggle) {
      if (this.on) this.stop(); else this.start();
      toggle.setAttribute('aria-pressed', String(this.on));
    } else if (step && this.contains(step)) this.step(step);
  }

  async start() {
    this.on = true;
    this.setAttribute('data-arranging', '');
    hold();
    const Sortable = await sorting();
    if (this.on) this.sortables = this.columns.map((column) => Sortable.create(column, {
      group: 'cards', draggable: '[data-card]', handle: '.panel-h', filter: 'button, a', preventOnFilter: false, animation: 160, forceFallback: true,
      delay: 120, delayOnTouchOnly: true, onEnd: () => this.keep(),
    }));
  }

  stop() {
    if (!this.on) return;
    this.on = false;
    this.removeAttribute('data-arranging');
    this.sortables?.forEach((s) => s.destroy());
    this.sortables = null;
    resume();
  }

  step(button) {
    const card = button.closest('[data-card]');
    const column = card.parentNode;
    const way = button.dataset.step;
    if (way === 'up') card.previousElementSibling?.before(card);
    else if (way === 'down') card.nextElementSibling?.after(card);
    else this.columns.find((other) => other !== column)?.prepend(card);
    button.focus();
    this.keep();
    say(`${$('h2', card)?.textContent ?? ''} ${this.dataset.movedWord}`);
  }

  keep() {
    const order = Object.fromEntries(this.columns.map((c) => [c.dataset.column, $$('[data-card]', c).map((card) => card.dataset.card).join(',')]));
    post(this.dataset.url, order).catch(() => null);
  }
}

customElements.define('crm-arrange', Arrange);
