// <crm-board>: cards move at once, the server is told, and whatever it answers wins. Columns are stages, or months
// (data-by="month"); with lanes there is a list of cards wherever a column and a lane meet.
// By mouse or touch, by the card's menu, by digits, or lifted with Space.
import { $, $$, hold, htmx, hue, icon, post, resume, say, sorting, toast } from './core.js';
import { boardSums } from './boardsums.js';
import { boardKeys } from './boardkeys.js';
import { boardForms } from './boardforms.js';

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const heard = ['live', 'submit', 'click', 'htmx:after:swap', 'record:changed', 'pointermove'];

class Board extends HTMLElement {
  connectedCallback() {
    this.waiting = new Map();
    this.timers = {};
    this.sums = boardSums(this);
    this.watch();
    for (const type of ['keydown', 'click']) this.addEventListener(type, this);
    for (const type of heard) document.addEventListener(type, this);
    document.addEventListener('toggle', this, true);
    window.addEventListener('online', this);
  }

  disconnectedCallback() {
    this.sortables?.forEach((s) => s.el && s.destroy());
    this.sortables = [];
    this.seen?.disconnect();
    for (const type of heard) document.removeEventListener(type, this);
    document.removeEventListener('toggle', this, true);
    window.removeEventListener('online', this);
  }

  get lists() { return $$('.cards[data-stage]', this).filter((list) => list.offsetParent); }

  get byMonth() { return this.dataset.by === 'month'; }

  card(id) { return $(`#d-${CSS.escape(id)}`, this); }

  list(stage, lane = '') {
    return $$(`.cards[data-stage="${CSS.escape(stage)}"]`, this).find((list) => (list.dataset.lane ?? '') === lane);
  }

  head(stage) { return $(`[data-head="${CSS.escape(stage)}"]`, this); }

  stage(card) { return card.closest('.cards').dataset.stage; }

  // Where a list stands: its column, and its lane where there are lanes.
  name(list) {
    const lane = this.byMonth ? null : list.closest('.lane');
    return [$('h2', this.head(list.dataset.stage)).textContent, lane && $('.lane-n', lane).textContent].filter(Boolean).join(', ');
  }

  place(card) { return { list: card.parentNode, next: card.nextElementSibling }; }

  // -- dragging ---------------------------------------------------------------------------------

  watch() {
    sorting().then((Sortable) => { if (this.isConnected) this.sort(Sortable); });
    this.pills();
  }

  sort(Sortable) {
    this.sortables = (this.sortables ?? []).filter((s) => s.el?.isConnected || (s.el && s.destroy()));
    const known = new Set(this.sortables.map((s) => s.el));
    for (const list of $$('.cards[data-stage]', this)) {
      if (known.has(list)) continue;
      this.sortables.push(Sortable.create(list, {
        // Among months a row says how certain a deal is, which no drop changes; other lanes are changed by dropping into them.
        group: { name: `deals ${this.byMonth ? list.dataset.lane : ''}`, put: list.hasAttribute('data-nodrop') ? false : undefined },
        draggable: '.deal', animation: still() ? 0 : 160, easing: 'cubic-bezier(.2,.8,.2,1)', delay: 180, delayOnTouchOnly: true,
        filter: '.deal-more', preventOnFilter: false, forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4, scrollSensitivity: 60,
        onStart: (e) => { this.from = this.place(e.item); this.dragging(true); hold(); },
        onMove: (e) => { if (e.to.hasAttribute('data-nodrop')) return false; this.over(e.to); return true; },
        onEnd: (e) => this.drop(e),
      }));
    }
  }

  dragging(on) {
    this.toggleAttribute('data-dragging', on);
    // A lane keeps its height when its highest card is lifted out of it: what lies below must not slip away under the hand.
    for (const row of $$('.lane-row', this)) row.style.minHeight = on ? `${row.offsetHeight}px` : '';
    const zones = $('.zones');
    if (zones) zones.hidden = !on;
    if (!on) this.over(null);
  }

  drop(e) {
    const zone = this.zone(e.originalEvent);
    this.dragging(false);
    resume();
    if (zone) {
      this.back(e.item, this.from);
      if (zone.hasAttribute('data-others')) this.others(e.item); else this.ask(e.item, zone.dataset.drop);
    } else if (e.from !== e.to || e.oldIndex !== e.newIndex) this.moved(e.item, this.from);
  }

  back(card, { list, next }) { list.insertBefore(card, next?.parentNode === list ? next : $('.cards-more', list)); }

  // The card returns to where it was, gliding.
  glide(card, from) {
    const before = card.getBoundingClientRect();
    this.back(card, from);
    const after = card.getBoundingClientRect();
    if (!still()) card.animate([{ transform: `translate(${before.x - after.x}px, ${before.y - after.y}px)` }, { transform: 'none' }], { duration: 220, easing: 'cubic-bezier(.2,.8,.2,1)' });
  }

  zone(event) {
    const at = event?.changedTouches?.[0] ?? event;
    return at && document.elementsFromPoint(at.clientX, at.clientY).find((el) => el.matches('.zone'));
  }

  over(list) {
    const stage = list?.dataset.stage;
    for (const el of [...$$('[data-over]', this), ...$$('.zone[data-over]')]) el.removeAttribute('data-over');
    if (!stage) return;
    this.head(stage)?.setAttribute('data-over', '');
    list.setAttribute('data-over', '');
  }

  others(card) {
    this.chosen = card;
    $('#m-others').showPopover({ source: card });
  }

  // -- moving -----------------------------------------------------------------------------------

  moved(card, from) {
    const list = card.parentNode;
    this.sums.shift(card, from.list, list);
    say(`${card.dataset.title}: ${this.name(list)}, ${this.dataset.positionWord} ${$$('.deal', list).indexOf(card) + 1}`);
    const near = (el) => (el?.matches('.deal') ? el.dataset.id : '');
    const { version } = card.dataset;
    if (this.byMonth) {
      if (from.list === list) { this.back(card, from); return; }
      this.tell(card, from, { month: list.dataset.stage, version });
    } else {
      const lane = (list.dataset.lane ?? '') === (from.list.dataset.lane ?? '') ? {} : { lane: list.dataset.lane };
      this.tell(card, from, { stage: list.dataset.stage, before: near(card.nextElementSibling), after: near(card.previousElementSibling), version, ...lane });
    }
  }

  async tell(card, from, data) {
    this.calm(card);
    card.setAttribute('data-pending', '');
    let response;
    try {
      response = await post(`/deals/${card.dataset.id}/${'month' in data ? 'close-date' : 'move'}`, { ...data, board: this.dataset.params });
    } catch {
      const again = () => this.tell(this.card(card.dataset.id) ?? card, from, data);
      this.waiting.set(card.dataset.id, again);
      this.trouble(card, this.dataset.failedWord, again);
      return;
    }
    this.waiting.delete(card.dataset.id);
    const answer = await response.json().catch(() => ({ message: response.statusText }));
    if (response.ok) { this.apply(answer, true); return; }
    if (answer.form) { this.show(card, answer.form, () => this.revert(card, from)); return; }
    this.revert(card, from);
    this.trouble(card, answer.message);
    if (response.status === 409 || response.status === 412) this.fetch(card.dataset.id, '', true);
  }

  revert(card, from) {
    card.removeAttribute('data-pending');
    const list = card.parentNode;
    this.glide(card, from);
    this.sums.shift(card, list, from.list);
  }

  // What went wrong stands at the card, with the way to try again.
  trouble(card, text, again) {
    this.calm(card);
    const note = document.createElement('div');
    note.className = 'deal-err';
    note.setAttribute('role', 'alert');
    note.append(icon('circle-alert'), Object.assign(document.createElement('span'), { textContent: text }));
    if (again) {
      const button = Object.assign(document.createElement('button'), { type: 'button', className: 'btn btn-soft btn-sm', textContent: this.dataset.againWord });
      button.addEventListener('click', (event) => { event.stopPropagation(); again(); });
      note.append(button);
    } else setTimeout(() => note.remove(), 9000);
    card.append(note);
    say(`${card.dataset.title}: ${text}`);
  }

  calm(card) { $(':scope > .deal-err', card)?.remove(); }

  // The answer of a move or of a question about one card: the card as it is, its place, the sums.
  apply(answer, own) {
    const old = this.card(answer.id);
    const focused = old?.contains(document.activeElement);
    const near = focused && [old.nextElementSibling, old.previousElementSibling, this.head(this.stage(old))?.querySelector('button, a')].find((el) => el && !el.matches('.cards-more'));
    if (Object.keys(answer.heads).length) this.sums.write(answer.heads, answer.lanes);
    const list = answer.stage && this.list(answer.stage, answer.lane);
    if (answer.card && !list && answer.lane && !$(`[data-lane-head="${CSS.escape(answer.lane)}"]`, this)) { this.again(); return; }
    if (!answer.card || !list) old?.remove();
    else {
      const made = document.createElement('template');
      made.innerHTML = answer.card;
      const card = made.content.firstElementChild;
      const before = answer.before && this.card(answer.before);
      const more = $('.cards-more', list);
      if (before?.parentNode === list || old?.parentNode === list || !more) {
        if (own && old?.parentNode === list) old.replaceWith(card);
        else { old?.remove(); list.insertBefore(card, before?.parentNode === list ? before : more); }
        htmx.process(card);
        card.setAttribute('data-fresh', '');
        if (!own && answer.by) this.told(card, answer);
        if (focused) card.focus({ preventScroll: true });
      } else old?.remove();
    }
    // A card that left its board leaves the focus to its neighbour.
    if (focused && document.activeElement === document.body) near?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent('board:drawn'));
    if (own && answer.message) toast({ text: answer.message, level: 'success', undo: answer.undo });
    if (answer.again) this.again();
  }

  // Somebody else's change carries that person's name for a while.
  told(card, { by, by_id: id }) {
    card.dataset.moved = '';
    card.dataset.hue = hue(id);
    card.prepend(Object.assign(document.createElement('span'), { className: 'deal-by', textContent: by }));
    say(`${by}: ${card.dataset.title}, ${this.name(card.parentNode)}`);
    setTimeout(() => { card.removeAttribute('data-moved'); $(':scope > .deal-by', card)?.remove(); }, 6000);
  }

  to(card, stage) {
    const list = this.byMonth ? null : this.list(stage, card.parentNode.dataset.lane);
    if (!list || this.head(stage)?.dataset.outcome !== 'open') { this.ask(card, stage); return; }
    if (list === card.parentNode) return;
    const from = this.place(card);
    list.prepend(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.moved(card, from);
  }

  // The card goes to the same column of another lane.
  toLane(card, lane) {
    const list = this.list(this.stage(card), lane);
    if (!list || list === card.parentNode) return;
    const from = this.place(card);
    list.prepend(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.moved(card, from);
  }

  close(card, outcome) { const item = $(`#m-deal [data-close=${outcome}]`); if (item) this.ask(card, item.dataset.move); }

  do(card, what) {
    const { id } = card.dataset;
    const back = encodeURIComponent(location.pathname + location.search);
    const url = { edit: `/deals/${id}/edit?back=${back}`, plan: `/tasks/plan?deal=${id}`, date: `/deals/${id}/close-date` }[what];
    htmx.ajax('GET', url, { target: '#dialog-body', swap: 'innerHTML' });
  }

  // -- events -----------------------------------------------------------------------------------

  handleEvent(event) {
    switch (event.type) {
      case 'live': this.hear(event.detail); break;
      case 'online': { const again = [...this.waiting.values()]; this.waiting.clear(); again.forEach((f) => f()); break; }
      case 'submit': { const form = event.target.closest('[data-move-form]'); if (form) { event.preventDefault(); this.submit(form); } break; }
      case 'click': this.click(event); break;
      case 'keydown': this.key(event); break;
      case 'toggle': if (event.target.id === 'deal-pop' && event.newState === 'closed' && this.pop) this.hide(true); break;
      case 'record:changed': if (event.detail?.id && this.card(event.detail.id)) this.fetch(event.detail.id); break;
      case 'htmx:after:swap': this.sums.forget(); this.watch(); break;
      case 'pointermove': if (this.hasAttribute('data-dragging')) this.hover(event); break;
      default:
    }
  }

  hover(event) {
    const zone = this.zone(event);
    for (const el of $$('.zone[data-over]')) if (el !== zone) el.removeAttribute('data-over');
    zone?.setAttribute('data-over', '');
  }

  // The part asks for itself: what asks from elsewhere is answered with the whole page.
  again() { htmx.ajax('GET', location.href, { source: '#board', target: '#board', swap: 'outerMorph' }); }

  hear({ topic, event, data, own }) {
    if (topic !== this.dataset.topic || event === 'presence' || own) return;
    if (event === 'list.dirty') { this.again(); return; }
    const card = this.card(data.id);
    if (card?.hasAttribute('data-pending')) return;
    // The card goes to its column at once; its place there, its face and the sums come with the answer below.
    const list = event === 'deal.moved' && card && this.list(data.stage, card.parentNode.dataset.lane);
    if (list && list !== card.parentNode) list.prepend(card);
    clearTimeout(this.timers[data.id]);
    this.timers[data.id] = setTimeout(() => this.fetch(data.id, data.by), 120);
  }

  async fetch(id, by = '', keepTrouble = false) {
    const note = keepTrouble && $(':scope > .deal-err', this.card(id) ?? this);
    const response = await fetch(`/deals/${id}/card?${new URLSearchParams({ board: this.dataset.params, by: by ?? '' })}`).catch(() => null);
    if (!response?.ok) return;
    this.apply(await response.json(), false);
    if (note) this.card(id)?.append(note);
  }

  click(event) {
    const at = (selector) => event.target.closest?.(selector);
    if (event.currentTarget === this) {
      const card = at('.deal');
      if (at('[data-menu]')) {
        event.preventDefault();
        event.stopPropagation();
        this.chosen = card;
        $('#m-deal [data-card-open]').href = `/deals/${card.dataset.id}`;
        $('#m-deal').showPopover({ source: at('[data-menu]') });
      } else if (at('[data-plan]')) { event.preventDefault(); event.stopPropagation(); this.do(card, 'plan'); } else if (at('[data-fold-lane]')) this.foldLane(at('.lane'));
      return;
    }
    const pill = at('[data-pill]');
    if (pill) {
      event.preventDefault();
      this.head(pill.dataset.pill)?.scrollIntoView({ behavior: still() ? 'auto' : 'smooth', inline: 'start', block: 'nearest' });
    } else if (at('#deal-pop [data-close]')) this.hide(true);
    else if (this.chosen && at('#m-deal, #m-others')) {
      const item = at('.mi');
      if (!item || item.href) return;
      at('[popover]').hidePopover();
      if (item.dataset.cardDo) this.do(this.chosen, item.dataset.cardDo);
      else if ('lane' in item.dataset) this.toLane(this.chosen, item.dataset.lane);
      else if ('away' in item.dataset) this.ask(this.chosen, item.dataset.move);
      else this.to(this.chosen, item.dataset.move);
    }
  }

  foldLane(lane) {
    const folded = lane.toggleAttribute('data-folded');
    $('[data-fold-lane]', lane).setAttribute('aria-expanded', String(!folded));
    post('/deals/board/fold', { lane: lane.dataset.laneHead, folded: folded ? '1' : '0' }).catch(() => null);
  }

  // On a phone one column fills the screen; its pill is marked.
  pills() {
    this.seen?.disconnect();
    if (!matchMedia('(max-width: 760px)').matches) return;
    this.seen = new IntersectionObserver((entries) => {
      const shown = entries.find((e) => e.isIntersecting);
      if (!shown) return;
      for (const pill of $$('[data-pill]')) {
        const here = pill.dataset.pill === shown.target.dataset.head;
        if (here) { pill.setAttribute('aria-current', 'true'); pill.parentNode.scrollTo({ left: pill.offsetLeft - 16, behavior: still() ? 'auto' : 'smooth' }); } else pill.removeAttribute('aria-current');
      }
    }, { root: this, threshold: 0.6 });
    for (const head of $$('[data-head]', this)) this.seen.observe(head);
  }
}

Object.assign(Board.prototype, boardKeys, boardForms);
customElements.define('crm-board', Board);
