// <crm-merge>: two records side by side. 1 and 2 choose a side (of the row in focus, or of all), Enter merges, N keeps apart.
import { $, $$, typing } from './ui.js';

class Merge extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', this);
    document.addEventListener('keydown', this);
  }

  disconnectedCallback() { document.removeEventListener('keydown', this); }

  handleEvent(event) {
    if (event.type === 'change') this.after(event.target.closest('tr'));
    else this.key(event);
  }

  after(row) {
    const chosen = row && $(':checked', row);
    if (chosen) $('[data-after]', row).innerHTML = chosen.nextElementSibling.innerHTML;
  }

  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return;
    const single = !document.documentElement.hasAttribute('data-no-keys');
    if (single && ['1', '2'].includes(event.key)) {
      const row = event.target.closest?.('tr[data-differs]');
      for (const one of row ? [row] : $$('tr[data-differs]', this)) { $(`[data-side="${event.key}"]`, one).checked = true; this.after(one); }
    } else if (single && event.key.toLowerCase() === 'n') $('[data-apart]', this).click();
    else if (event.key === 'Enter' && !event.target.closest?.('a, button, summary')) $('[data-merge]', this).click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

customElements.define('crm-merge', Merge);
