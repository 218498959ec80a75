// <crm-queue>: likely duplicates, one after the other. J and K move, Enter reviews, M merges, N keeps apart.
import { $, $$, typing } from './core.js';

class Queue extends HTMLElement {
  connectedCallback() {
    document.addEventListener('keydown', this);
    this.at(0);
  }

  disconnectedCallback() { document.removeEventListener('keydown', this); }

  get items() { return $$('.dup', this); }

  at(place) {
    const { items } = this;
    items.forEach((item, i) => item.toggleAttribute('data-at', i === place));
    return items[place];
  }

  handleEvent(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open], .menu:popover-open')) return;
    const letters = !('noKeys' in document.documentElement.dataset);
    const { items } = this;
    const place = Math.max(0, items.findIndex((item) => item.hasAttribute('data-at')));
    const key = event.key.toLowerCase();
    const step = { arrowdown: 1, arrowup: -1, ...(letters ? { j: 1, k: -1 } : {}) }[key];
    const act = { ...(letters ? { m: 'merge', n: 'apart' } : {}), ...(event.target.closest('a, button, summary') ? {} : { enter: 'review' }) }[key];
    if (step) {
      const item = this.at(Math.max(0, Math.min(items.length - 1, place + step)));
      item?.focus({ preventScroll: true });
      item?.scrollIntoView({ block: 'nearest' });
    } else if (act) $(`[data-${act}]`, items[place])?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

customElements.define('crm-queue', Queue);
