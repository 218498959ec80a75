// <crm-drops data-url="/tasks/{id}/due" data-field="day">: things dragged from list to list. A drop posts what the list
// stands for (data-drop); Space lifts one with the keys, arrows carry it (up and down by data-across lists).
import { $, $$, follow, hold, post, resume, say, sorting, toast } from './core.js';

class Drops extends HTMLElement {
  connectedCallback() {
    for (const type of ['keydown', 'click']) this.addEventListener(type, this);
    for (const type of ['click', 'htmx:after:swap']) document.addEventListener(type, this);
    this.watch();
  }

  disconnectedCallback() {
    this.sortables?.forEach((s) => s.destroy());
    for (const type of ['click', 'htmx:after:swap']) document.removeEventListener(type, this);
  }

  get lists() { return $$('[data-drop]', this).filter((list) => list.offsetParent); }

  watch() { sorting().then((Sortable) => { if (this.isConnected) this.sort(Sortable); }); }

  sort(Sortable) {
    this.sortables = (this.sortables ?? []).filter((s) => s.el?.isConnected || s.destroy());
    const known = new Set(this.sortables.map((s) => s.el));
    this.sortables.push(...$$('[data-drop]', this).filter((list) => !known.has(list)).map((list) => Sortable.create(list, {
      group: 'drops', draggable: '[data-id]', animation: 140, delay: 180, delayOnTouchOnly: true, forceFallback: true, fallbackOnBody: true,
      fallbackTolerance: 4, filter: '.deal-more', preventOnFilter: false,
      onStart: (e) => { this.from = { list: e.from, next: e.item.nextElementSibling }; this.toggleAttribute('data-dragging', true); hold(); },
      onMove: (e) => { this.over(e.to); },
      onEnd: (e) => { this.over(null); this.toggleAttribute('data-dragging', false); resume(); if (e.from !== e.to) this.tell(e.item, this.from); },
    })));
  }

  over(list) {
    for (const el of $$('[data-over]', this)) el.removeAttribute('data-over');
    (list?.closest('section') ?? list)?.setAttribute('data-over', '');
  }

  back(item, { list, next }) { list.insertBefore(item, next?.parentNode === list ? next : null); }

  async tell(item, from) {
    const to = item.closest('[data-drop]');
    this.count(from.list, -1);
    this.count(to, 1);
    item.setAttribute('data-pending', '');
    let response = null;
    try { response = await post(this.dataset.url.replace('{id}', item.dataset.id), { [this.dataset.field]: to.dataset.drop }); } catch { /* told below */ }
    item.removeAttribute('data-pending');
    if (response) follow(response);
    if (response?.ok) { say(`${item.dataset.title}: ${to.dataset.name}`); return; }
    this.back(item, from);
    this.count(from.list, 1);
    this.count(to, -1);
    if (!response?.headers.has('HX-Trigger')) toast({ text: this.dataset.failedWord, level: 'error' });
  }

  count(list, by) {
    const n = $('[data-n]', list.closest('section') ?? list);
    if (n) n.textContent = Number(n.textContent) + by;
  }

  handleEvent(event) {
    if (event.type === 'htmx:after:swap') this.watch();
    else if (event.type === 'keydown') this.key(event);
    else this.click(event);
  }

  click(event) {
    const open = event.currentTarget === this && event.target.closest('[data-menu]');
    const put = event.currentTarget === document && event.target.closest('[data-put]');
    if (open) {
      event.preventDefault();
      this.chosen = open.closest('[data-id]');
      $(`#${open.dataset.menu}`).showPopover({ source: open });
    } else if (put && this.chosen) {
      put.closest('[popover]').hidePopover();
      const to = $(`[data-drop="${CSS.escape(put.dataset.put)}"]`, this);
      if (!to || to.contains(this.chosen)) return;
      const from = { list: this.chosen.parentNode, next: this.chosen.nextElementSibling };
      to.prepend(this.chosen);
      this.tell(this.chosen, from);
    }
  }

  key(event) {
    const item = event.target;
    if (!item.matches('[data-id]') || event.ctrlKey || event.metaKey || event.altKey) return;
    const { lists } = this;
    const at = lists.indexOf(item.parentNode);
    const across = Number(this.dataset.across) || 0;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    const stop = () => { event.preventDefault(); event.stopPropagation(); };
    if (this.lifted) {
      stop();
      const done = () => { item.removeAttribute('data-lifted'); this.lifted = null; this.over(null); resume(); };
      if (step) {
        const to = lists[at + step];
        if (to) { to.prepend(item); item.focus(); this.over(to); say(to.dataset.name); }
      } else if (event.key === ' ' || event.key === 'Enter') {
        const from = this.lifted;
        done();
        if (from.list !== item.parentNode) this.tell(item, from);
      } else if (event.key === 'Escape') { this.back(item, this.lifted); done(); item.focus(); say(this.dataset.cancelledWord); }
    } else if (event.key === ' ') {
      stop();
      this.lifted = { list: item.parentNode, next: item.nextElementSibling };
      item.setAttribute('data-lifted', '');
      hold();
      say(`${item.dataset.title} ${this.dataset.liftedWord}`);
    } else if (event.key === 'Enter') { stop(); $('a', item)?.click(); }
    else if (step !== undefined) {
      stop();
      const vertical = event.key === 'ArrowDown' ? item.nextElementSibling : event.key === 'ArrowUp' ? item.previousElementSibling : null;
      if (vertical?.matches('[data-id]')) { vertical.focus(); return; }
      for (let next = at + (step || 0); step && lists[next]; next += step) {
        const first = $('[data-id]', lists[next]);
        if (first) { first.focus(); return; }
      }
    }
  }
}

customElements.define('crm-drops', Drops);
