// <crm-compose>: a text with some formatting and people named after an @. The kind that is chosen decides what it asks.
import { $, $$, icon, say } from './core.js';

class Compose extends HTMLElement {
  connectedCallback() {
    this.area = $('textarea', this);
    for (const type of ['change', 'click', 'input', 'keydown', 'focusout', 'submit']) this.addEventListener(type, this);
    this.chosen();
    // What was sent leaves an empty form in its place, and the focus where it was.
    if (Compose.sent && document.activeElement === document.body) this.area.focus();
    Compose.sent = false;
  }

  handleEvent(event) {
    if (event.type === 'submit') Compose.sent = true;
    else if (event.type === 'change') this.chosen();
    else if (event.type === 'click') this.click(event);
    else if (event.type === 'input' && event.target === this.area) this.look();
    else if (event.type === 'keydown' && event.target === this.area) this.key(event);
    else if (event.type === 'focusout' && this.list && !this.contains(event.relatedTarget)) this.close();
  }

  // Each part says for which kinds it is there.
  chosen() {
    const kind = $('input[name=kind]:checked', this);
    for (const part of $$('[data-for]', this)) part.hidden = Boolean(kind) && !part.dataset.for.split(' ').includes(kind.value);
    const follow = $('.compose-follow', this);
    if (follow && !$('input[name=follow]', this)?.checked) follow.hidden = true;
    const send = $('[data-send]', this);
    if (kind && send) send.textContent = kind.dataset.act;
  }

  click(event) {
    const tool = event.target.closest('button');
    if (!tool) return;
    if (tool.dataset.wrap) this.wrap(tool.dataset.wrap);
    else if (tool.dataset.line) this.line(tool.dataset.line);
    else if ('link' in tool.dataset) this.put('[', '](https://)', true);
    else if ('mention' in tool.dataset) { this.put('@', ''); this.look(); } else if (tool.dataset.name) this.take(tool.dataset.name);
  }

  // -- formatting -------------------------------------------------------------------------------

  put(before, after, link = false) {
    const { area } = this;
    const [start, end] = [area.selectionStart, area.selectionEnd];
    const chosen = area.value.slice(start, end);
    area.focus();
    area.setRangeText(before + chosen + after, start, end, 'end');
    const at = start + before.length;
    if (link && chosen) area.setSelectionRange(at + chosen.length + 2, at + chosen.length + 10);
    else area.setSelectionRange(at, at + chosen.length);
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }

  wrap(mark) { this.put(mark, mark); }

  line(mark) {
    const { area } = this;
    const start = area.value.lastIndexOf('\n', area.selectionStart - 1) + 1;
    const lines = area.value.slice(start, area.selectionEnd).split('\n').map((text) => mark + text);
    area.focus();
    area.setRangeText(lines.join('\n'), start, area.selectionEnd, 'end');
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }

  key(event) {
    const mark = (event.ctrlKey || event.metaKey) && { b: '**', i: '*' }[event.key.toLowerCase()];
    if (mark) { event.preventDefault(); this.wrap(mark); return; }
    if (!this.list) return;
    const items = $$('[role=option]', this.list);
    const at = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); this.mark(items, (at + step + items.length) % items.length); }
    else if (['Enter', 'Tab'].includes(event.key) && items[at] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); event.stopPropagation(); this.take(items[at].dataset.name); }
    else if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); this.close(); }
  }

  // -- people -----------------------------------------------------------------------------------

  look() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const found = /(?:^|[\s(])@([\p{L}\p{M}.'’-]*(?: [\p{L}\p{M}.'’-]*)?)$/u.exec(before);
    clearTimeout(this.timer);
    if (!found || !this.area.dataset.mentions) { this.close(); return; }
    this.from = this.area.selectionStart - found[1].length;
    this.timer = setTimeout(() => this.offer(found[1]), 100);
  }

  async offer(words) {
    const asked = this.area.value;
    const response = await fetch(`${this.area.dataset.mentions}?${new URLSearchParams({ q: words })}`, { headers: { Accept: 'application/json' } });
    if (!response.ok || asked !== this.area.value) return;
    const { options } = await response.json();
    if (!options.length) { this.close(); return; }
    this.close();
    this.list = document.createElement('div');
    this.list.className = 'mentions';
    this.list.setAttribute('role', 'listbox');
    this.list.id = 'mentions';
    const items = options.slice(0, 6).map((person, i) => {
      const item = document.createElement('button');
      item.type = 'button';
      item.tabIndex = -1;
      item.id = `mention-${i}`;
      item.dataset.name = person.text;
      item.setAttribute('role', 'option');
      item.textContent = person.text;
      item.prepend(icon('user'));
      item.addEventListener('pointerdown', (event) => event.preventDefault());
      return item;
    });
    this.list.append(...items);
    this.area.after(this.list);
    this.area.setAttribute('aria-controls', 'mentions');
    this.mark(items, 0);
  }

  mark(items, at) {
    items.forEach((item, i) => item.setAttribute('aria-selected', String(i === at)));
    this.area.setAttribute('aria-activedescendant', items[at].id);
    say(items[at].textContent);
  }

  take(name) {
    const { area } = this;
    area.focus();
    area.setRangeText(`${name} `, this.from, area.selectionStart, 'end');
    this.close();
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }

  close() {
    this.list?.remove();
    this.list = undefined;
    this.area.removeAttribute('aria-controls');
    this.area.removeAttribute('aria-activedescendant');
  }
}

customElements.define('crm-compose', Compose);
