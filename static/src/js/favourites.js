// <crm-favourites>: the order of the favourites, by dragging or with Alt and the arrow keys.
import { $, $$, post, say, sorting } from './core.js';

class Favourites extends HTMLElement {
  connectedCallback() {
    this.list = $('ul', this);
    sorting().then((Sortable) => { if (this.isConnected) this.sort(Sortable); });
    this.addEventListener('keydown', this);
    this.addEventListener('click', this, true);
  }

  sort(Sortable) {
    this.sortable = Sortable.create(this.list, {
      animation: 140, forceFallback: true, fallbackTolerance: 6, delay: 180, delayOnTouchOnly: true, filter: '.fav-x', preventOnFilter: false,
      onStart: () => { this.dragged = true; },
      onEnd: () => { this.keep(); setTimeout(() => { this.dragged = false; }); },
    });
  }

  disconnectedCallback() { this.sortable?.destroy(); }

  handleEvent(event) {
    if (event.type === 'click') {
      if (this.dragged) { event.preventDefault(); event.stopPropagation(); }
      return;
    }
    const item = event.target.closest('li');
    if (!item || !event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key)) return;
    event.preventDefault();
    const other = event.key === 'ArrowUp' ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (event.key === 'ArrowUp') other.before(item); else other.after(item);
    $('a', item).focus();
    say(`${$('.txt', item).textContent}, ${[...this.list.children].indexOf(item) + 1}`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), 500);
  }

  keep() { post('/favourites/order', $$('li', this).map((item) => ['id', item.dataset.id])).catch(() => {}); }
}

customElements.define('crm-favourites', Favourites);
