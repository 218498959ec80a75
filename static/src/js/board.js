// <crm-board>: cards move at once, the server is told, and whatever it answers wins.
// By mouse or touch, by the card's menu, by digits, or lifted with Space.
import Sortable from 'sortablejs';
import { $, $$, post, say, toast } from './ui.js';
import { hold, resume } from './live.js';
import htmx from './htmx.js';

const language = () => document.documentElement.lang || 'en';
const currency = () => $('#board').dataset.currency || 'USD';
const amount = (n, short) => new Intl.NumberFormat(language(), {
  style: 'currency', currency: currency(), notation: short && Math.abs(n) >= 1e4 ? 'compact' : 'standard',
  maximumFractionDigits: short && Math.abs(n) >= 1e4 ? 1 : Number.isInteger(n) ? 0 : 2, minimumFractionDigits: 0,
}).format(n);

class Board extends HTMLElement {
  connectedCallback() {
    this.waiting = new Map();
    this.watch();
    for (const type of ['keydown', 'click', 'htmx:after:swap']) this.addEventListener(type, this);
    for (const type of ['live', 'board:menu', 'submit', 'click']) document.addEventListener(type, this);
    window.addEventListener('online', this);
  }

  disconnectedCallback() {
    this.sortables.forEach((s) => s.destroy());
    for (const type of ['live', 'board:menu', 'submit', 'click']) document.removeEventListener(type, this);
    window.removeEventListener('online', this);
  }

  get lists() { return $$('.cards', this); }

  get columns() { return $$('.col[data-stage]', this); }

  watch() {
    this.sortables = this.lists.map((list) => Sortable.create(list, {
      group: 'deals', draggable: '.deal', animation: 160, easing: 'cubic-bezier(.2,.8,.2,1)', delay: 180, delayOnTouchOnly: true,
      filter: '.deal-more', preventOnFilter: false, forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4,
      onStart: (e) => { this.from = this.place(e.item); this.zones(true); hold(); },
      onMove: (e) => this.over(e.to.closest('.col')),
      onEnd: (e) => {
        const zone = this.zone(e.originalEvent);
        this.zones(false);
        this.over(null);
        resume();
        if (zone) { this.back(e.item, this.from); this.ask(e.item, zone.dataset.drop); } else if (e.from !== e.to || e.oldIndex !== e.newIndex) this.moved(e.item, this.from);
      },
    }));
  }

  place(card) { return { list: card.parentNode, next: card.nextElementSibling }; }

  back(card, { list, next }) { list.insertBefore(card, next?.parentNode === list ? next : null); }

  zone(event) {
    const at = event.changedTouches?.[0] ?? event;
    return document.elementsFromPoint(at.clientX, at.clientY).find((el) => el.matches('.zone'));
  }

  zones(on) { const zones = $('.zones'); if (zones) zones.hidden = !on; }

  over(column) {
    $$('.col[data-over]', this).forEach((c) => c.removeAttribute('data-over'));
    column?.setAttribute('data-over', '');
  }

  stage(card) { return card.closest('.col').dataset.stage; }

  // -- the sums ---------------------------------------------------------------------------------

  // Until the server answers, a move shifts one card's amount from one head to the other.
  shift(card, from, to) {
    if (from === to) return;
    const value = Number(card.dataset.amount) || 0;
    const heads = Object.fromEntries(this.columns.map((c) => [c.dataset.stage, { ...(this.heads?.[c.dataset.stage] ?? this.read(c)) }]));
    for (const [stage, sign] of [[from, -1], [to, 1]]) {
      const head = heads[stage];
      if (!head) continue;
      head.count += sign;
      head.total += sign * value;
      head.weighted += sign * value * Number($(`#col-${stage}`).dataset.p) / 100;
    }
    this.write(heads);
  }

  read({ dataset }) {
    return { count: Number(dataset.count), total: Number(dataset.total), weighted: Number(dataset.weighted) };
  }

  write(heads) {
    this.heads = heads;
    const open = this.columns.filter((c) => c.dataset.outcome === 'open');
    const top = Math.max(1, ...open.map((c) => heads[c.dataset.stage]?.total ?? 0));
    let sum = 0; let weighted = 0;
    for (const column of this.columns) {
      const head = heads[column.dataset.stage] ?? { count: 0, total: 0, weighted: 0 };
      $('[data-n]', column).textContent = head.count;
      $('[data-sum]', column).textContent = amount(head.total);
      const line = $('[data-w]', column);
      if (line) line.textContent = `${amount(head.weighted, true)} ${this.dataset.weightedWord}`;
      $('.col-bar rect', column).setAttribute('width', 100 * head.total / top);
      column.toggleAttribute('data-over-limit', Boolean(column.dataset.limit) && head.count > Number(column.dataset.limit));
      if (open.includes(column)) { sum += head.total; weighted += head.weighted; }
    }
    for (const column of $$('[data-folded]', this)) {
      const head = heads[column.dataset.folded];
      if (head) { $('[data-n]', column).textContent = head.count; $('[data-sum]', column).textContent = amount(head.total, true); }
    }
    $('[data-total]').textContent = amount(sum, true);
    $('[data-weighted]').textContent = amount(weighted, true);
  }

  // -- moving -----------------------------------------------------------------------------------

  moved(card, from) {
    const left = from.list.closest('.col').dataset.stage;
    const stage = this.stage(card);
    this.shift(card, left, stage);
    const name = $('h2', card.closest('.col')).textContent;
    say(`${card.dataset.title}: ${name}, ${this.dataset.positionWord} ${$$('.deal', card.parentNode).indexOf(card) + 1}`);
    const near = (el) => (el?.matches('.deal') ? el.dataset.id : '');
    this.tell(card, from, {
      stage, before: near(card.nextElementSibling), after: near(card.previousElementSibling), version: card.dataset.version,
    });
  }

  async tell(card, from, data) {
    card.setAttribute('data-pending', '');
    let response;
    try {
      response = await post(`/deals/${card.dataset.id}/move`, { ...data, board: this.dataset.params });
    } catch {
      this.waiting.set(card.dataset.id, () => this.tell(card, from, data));
      toast({ text: this.dataset.retry, level: 'warning' });
      return;
    }
    const answer = await response.json().catch(() => ({ message: response.statusText }));
    if (response.ok) { this.apply(answer, true); return; }
    this.revert(card, from);
    if (answer.form) this.show(answer.form, data); else toast({ text: answer.message, level: 'error' });
  }

  revert(card, from) {
    card.removeAttribute('data-pending');
    const stage = this.stage(card);
    this.back(card, from);
    this.shift(card, stage, this.stage(card));
  }

  // A closing stage asks first; the others only when something is missing.
  async ask(card, stage) {
    const near = $(`#col-${stage} .cards .deal`);
    const data = { stage, version: card.dataset.version, before: near?.dataset.id ?? '' };
    const response = await fetch(`/deals/${card.dataset.id}/move?${new URLSearchParams(data)}`, { headers: { Accept: 'application/json' } });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) { toast({ text: answer.message ?? response.statusText, level: 'error' }); return; }
    if (answer.form) this.show(answer.form); else this.tell(card, this.place(card), data);
  }

  show(form) {
    const body = $('#dialog-body');
    body.innerHTML = form;
    htmx.process(body);
    if (!$('#dialog').open) $('#dialog').showModal();
    ($('[aria-invalid=true]', body) ?? $('input:not([type=hidden]), select', body))?.focus();
  }

  async submit(form) {
    const button = $('[type=submit]', form);
    button.disabled = true;
    const fields = Object.fromEntries(new FormData(form));
    const response = await post(form.getAttribute('action'), { ...fields, board: this.dataset.params });
    const answer = await response.json().catch(() => ({ message: response.statusText }));
    button.disabled = false;
    if (response.ok) { $('#dialog').close(); this.apply(answer, true); return; }
    if (answer.form) this.show(answer.form); else { $('#dialog').close(); toast({ text: answer.message, level: 'error' }); }
  }

  // The answer of a move or of a question about one card: the card as it is, its place, the heads.
  apply(answer, own) {
    const old = $(`#d-${CSS.escape(answer.id)}`, this);
    const focused = old?.contains(document.activeElement);
    if (Object.keys(answer.heads).length) {
      this.write(Object.fromEntries(Object.entries(answer.heads).map(([stage, h]) => [stage, {
        count: h.count, total: Number(h.total), weighted: Number(h.weighted),
      }])));
    }
    const list = answer.stage && $(`#col-${CSS.escape(answer.stage)} .cards`, this);
    if (!answer.card || !list) { old?.remove(); } else {
      const made = document.createElement('template');
      made.innerHTML = answer.card;
      const card = made.content.firstElementChild;
      const before = answer.before && $(`#d-${CSS.escape(answer.before)}`, list);
      const known = before || old?.parentNode === list || !$('.cards-more', list);
      if (known) {
        if (own && old?.parentNode === list) old.replaceWith(card);
        else { old?.remove(); list.insertBefore(card, before || $('.cards-more', list)); }
        htmx.process(card);
        card.setAttribute('data-fresh', '');
        if (focused) card.focus();
      } else old?.remove();
    }
    if (own && answer.message) toast({ text: answer.message, level: 'success', undo: answer.undo });
  }

  to(card, stage) {
    const list = $(`#col-${CSS.escape(stage)} .cards`, this);
    const column = list?.closest('.col');
    if (!list || column.dataset.outcome !== 'open') { this.ask(card, stage); return; }
    if (list === card.parentNode) return;
    const from = this.place(card);
    list.prepend(card);
    card.focus();
    this.moved(card, from);
  }

  close(card, outcome) { const item = $(`#m-deal [data-close=${outcome}]`); if (item) this.ask(card, item.dataset.move); }

  // -- events -----------------------------------------------------------------------------------

  handleEvent(event) {
    if (event.type === 'live') this.hear(event.detail);
    else if (event.type === 'online') { const again = [...this.waiting.values()]; this.waiting.clear(); again.forEach((f) => f()); }
    else if (event.type === 'submit') {
      const form = event.target.closest('[data-move-form]');
      if (form) { event.preventDefault(); this.submit(form); }
    } else if (event.type === 'click') this.click(event);
    else if (event.type === 'keydown') this.key(event);
  }

  async hear({ topic, event, data }) {
    if (topic !== this.dataset.topic || event === 'presence') return;
    if (event === 'list.dirty') { htmx.ajax('GET', location.href, { target: '#board', swap: 'outerHTML' }); return; }
    if (this.lifted || $(`#d-${CSS.escape(data.id)}[data-pending]`, this)) return;
    clearTimeout(this.timers?.[data.id]);
    this.timers = { ...this.timers, [data.id]: setTimeout(() => this.fetch(data.id), 150) };
  }

  async fetch(id) {
    const response = await fetch(`/deals/${id}/card?${new URLSearchParams({ board: this.dataset.params })}`);
    if (response.ok) this.apply(await response.json(), false);
  }

  click(event) {
    const open = event.target.closest('[data-menu]');
    if (open && this.contains(open)) {
      event.preventDefault();
      event.stopPropagation();
      this.card = open.closest('.deal');
      $('#m-deal').showPopover({ source: open });
      return;
    }
    const item = event.currentTarget === document && event.target.closest('#m-deal [data-move]');
    if (item && this.card) { $('#m-deal').hidePopover(); this.to(this.card, item.dataset.move); }
  }

  key(event) {
    const card = event.target.closest('.deal');
    if (!card || event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.lifted) { this.carry(event); return; }
    const { lists } = this;
    const at = lists.indexOf(card.parentNode);
    const k = event.key;
    const focus = (el) => { if (el) { event.preventDefault(); el.focus(); } };
    const plain = !document.documentElement.hasAttribute('data-no-keys');
    if (k === 'ArrowDown') focus(card.nextElementSibling);
    else if (k === 'ArrowUp') focus(card.previousElementSibling);
    else if (k === 'ArrowRight') focus($('.deal', lists[at + 1] ?? card));
    else if (k === 'ArrowLeft') focus($('.deal', lists[at - 1] ?? card));
    else if (k === 'Enter') { event.preventDefault(); $('.deal-t a', card).click(); }
    else if (plain && /^[1-9]$/.test(k)) { const item = $$('#m-deal [data-move]:not([data-close])')[k - 1]; if (item) this.to(card, item.dataset.move); }
    else if (plain && k === 'w') this.close(card, 'won');
    else if (plain && k === 'L') this.close(card, 'lost');
    else if (k === ' ') {
      event.preventDefault();
      this.lifted = { card, ...this.place(card) };
      hold();
      card.setAttribute('data-lifted', '');
      say(`${card.dataset.title} ${this.dataset.liftedWord}`);
    } else return;
    event.stopPropagation();
  }

  carry(event) {
    event.preventDefault();
    event.stopPropagation();
    const { card, ...from } = this.lifted;
    const { lists } = this;
    const at = lists.indexOf(card.parentNode);
    const put = (list, before) => {
      list.insertBefore(card, before);
      card.focus();
      say(`${$('h2', card.closest('.col')).textContent}, ${this.dataset.positionWord} ${$$('.deal', list).indexOf(card) + 1}`);
    };
    const done = () => { this.lifted = null; card.removeAttribute('data-lifted'); resume(); };
    if (event.key === 'ArrowDown' && card.nextElementSibling?.matches('.deal')) put(card.parentNode, card.nextElementSibling.nextElementSibling);
    else if (event.key === 'ArrowUp' && card.previousElementSibling) put(card.parentNode, card.previousElementSibling);
    else if (event.key === 'ArrowRight' && lists[at + 1]) put(lists[at + 1], lists[at + 1].firstElementChild);
    else if (event.key === 'ArrowLeft' && lists[at - 1]) put(lists[at - 1], lists[at - 1].firstElementChild);
    else if (event.key === ' ' || event.key === 'Enter') {
      done();
      if (card.closest('.col').dataset.outcome !== 'open') { const { stage } = card.closest('.col').dataset; this.back(card, from); this.ask(card, stage); }
      else if (card.parentNode !== from.list || card.nextElementSibling !== from.next) this.moved(card, from);
    } else if (event.key === 'Escape') { this.back(card, from); done(); card.focus(); say(this.dataset.cancelledWord); }
  }
}

customElements.define('crm-board', Board);
