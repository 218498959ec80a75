// <crm-columns>: the column chooser. Checked entries are shown in the order of the list; drag or Alt-arrows move.
import { $, $$, say, sorting } from './core.js';

class Columns extends HTMLElement {
  connectedCallback() {
    this.list = $('ul', this);
    sorting().then((Sortable) => { if (this.isConnected) this.sortable = Sortable.create(this.list, { animation: 140, handle: '.grip', forceFallback: true }); });
    this.addEventListener('keydown', this);
    this.addEventListener('input', this);
  }

  disconnectedCallback() { this.sortable?.destroy(); }

  handleEvent(event) {
    if (event.type === 'input' && event.target.matches('[data-find]')) {
      const words = event.target.value.trim().toLowerCase();
      for (const item of $$('li', this.list)) item.hidden = !item.textContent.toLowerCase().includes(words);
      return;
    }
    const item = event.target.closest?.('li');
    if (!item || !event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key)) return;
    event.preventDefault();
    const other = event.key === 'ArrowUp' ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (event.key === 'ArrowUp') other.before(item); else other.after(item);
    event.target.focus();
    say(`${item.textContent.trim()} ${[...this.list.children].indexOf(item) + 1}`);
  }
}

customElements.define('crm-columns', Columns);
