// <crm-merge>: records side by side. A digit chooses a side (of the row in focus, or of all), Enter merges, N keeps apart.
import { $, $$, typing } from './core.js';

class Merge extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', this);
    document.addEventListener('keydown', this);
    this.stays();
  }

  disconnectedCallback() { document.removeEventListener('keydown', this); }

  handleEvent(event) {
    if (event.type === 'keydown') this.key(event);
    else if (event.target.name === 'survivor') { this.choose($$('tr[data-differs]', this), this.sides.indexOf(event.target) + 1, true); this.stays(); }
    else this.after(event.target.closest('tr'));
  }

  get sides() { return $$('[name=survivor]', this); }

  // The column of the record that stays is set off.
  stays() {
    const at = this.sides.findIndex((radio) => radio.checked) + 1;
    for (const row of $$('tr', this)) [...row.cells].forEach((cell, i) => cell.toggleAttribute('data-stays', i === at));
  }

  after(row) {
    const chosen = row && $('[data-side]:checked', row);
    if (chosen) $('[data-after]', row).innerHTML = chosen.nextElementSibling.innerHTML;
  }

  // ``filled``: a side without a value gives way to one that has it.
  choose(rows, side, filled = false) {
    for (const row of rows) {
      const radio = $(`[data-side="${side}"]`, row);
      if (!radio || (filled && radio.nextElementSibling.textContent.trim() === '–')) continue;
      radio.checked = true;
      this.after(row);
    }
  }

  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return;
    const single = !document.documentElement.hasAttribute('data-no-keys');
    if (single && /^[1-9]$/.test(event.key) && Number(event.key) <= this.sides.length) {
      const row = event.target.closest?.('tr[data-differs]');
      if (!row) { this.sides[event.key - 1].checked = true; this.stays(); }
      this.choose(row ? [row] : $$('tr[data-differs]', this), event.key, !row);
    } else if (single && event.key.toLowerCase() === 'n') $('[data-apart]', this).click();
    else if (event.key === 'Enter' && !event.target.closest?.('a, button, summary')) $('[data-merge]', this).click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

customElements.define('crm-merge', Merge);
