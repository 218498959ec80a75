// <crm-hits>: the hits below a search box. Arrow keys go from the box to the hits and between them; what was typed is
// marked in them without touching the page (CSS highlights).
import { $, $$ } from './core.js';

const folded = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

class Hits extends HTMLElement {
  connectedCallback() {
    this.addEventListener('keydown', this);
    document.addEventListener('htmx:after:swap', this);
    this.mark();
  }

  disconnectedCallback() {
    document.removeEventListener('htmx:after:swap', this);
    CSS.highlights?.delete('hit');
  }

  get box() { return $('input[type=search]', this); }

  handleEvent(event) {
    if (event.type === 'keydown') this.key(event); else this.mark();
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const stops = [this.box, ...$$('a.hit', this)];
    const at = stops.indexOf(document.activeElement);
    if (at < 0 || !stops[at + step]) return;
    event.preventDefault();
    stops[at + step].focus();
  }

  mark() {
    if (!window.Highlight) return;
    const words = folded(this.box.value).split(/\s+/).filter(Boolean);
    const found = [];
    for (const hit of words.length ? $$('.hit', this) : []) {
      const texts = document.createTreeWalker(hit, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const node = texts.currentNode;
        if (node.parentElement.closest('.mk, .av')) continue;
        const text = folded(node.data);
        if (text.length !== node.data.length) continue;
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            found.push(range);
          }
        }
      }
    }
    CSS.highlights.set('hit', new Highlight(...found));
  }
}

customElements.define('crm-hits', Hits);
