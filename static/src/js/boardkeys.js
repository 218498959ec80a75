// The keys of a board: arrows between cards, digits and letters for what is done often, Space to lift a card and carry it.
import { $, $$, hold, resume, say } from './core.js';

export const boardKeys = {
  key(event) {
    const card = event.target.closest('.deal');
    if (!card || event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.lifted) { this.carry(event); return; }
    const k = event.key;
    const plain = !document.documentElement.hasAttribute('data-no-keys');
    const focus = (el) => { if (el) { event.preventDefault(); el.focus(); } };
    const beside = (el) => (el?.matches('.deal') ? el : null);
    if (k === 'ArrowDown') focus(beside(card.nextElementSibling) ?? this.across(card, 1));
    else if (k === 'ArrowUp') focus(beside(card.previousElementSibling) ?? this.across(card, -1));
    else if (k === 'ArrowRight') focus(this.aside(card, 1));
    else if (k === 'ArrowLeft') focus(this.aside(card, -1));
    else if (k === 'Enter') { event.preventDefault(); $('.deal-t a', card).click(); }
    else if (plain && /^[1-9]$/.test(k)) { const item = $$('#m-deal [data-move]:not([data-close], [data-away])')[k - 1]; if (item) this.to(card, item.dataset.move); }
    else if (plain && k === 'w') this.close(card, 'won');
    else if (plain && k === 'L') this.close(card, 'lost');
    else if (plain && k === 'e') { event.preventDefault(); this.do(card, 'edit'); }
    else if (plain && k === 'n') { event.preventDefault(); this.do(card, 'plan'); }
    else if (k === ' ') {
      event.preventDefault();
      this.lifted = { card, ...this.place(card) };
      hold();
      card.setAttribute('data-lifted', '');
      this.setAttribute('data-dragging', '');
      say(`${card.dataset.title} ${this.dataset.liftedWord}`);
    } else return;
    event.stopPropagation();
  },

  row(list) { return this.lists.filter((other) => other.dataset.lane === list.dataset.lane); },

  // The nearest card to the right or left, over empty columns.
  aside(card, step) {
    const row = this.row(card.parentNode);
    for (let at = row.indexOf(card.parentNode) + step; row[at]; at += step) if ($('.deal', row[at])) return $('.deal', row[at]);
    return null;
  },

  // The nearest card of the same column in another lane.
  across(card, step) {
    const same = this.lists.filter((list) => list.dataset.stage === card.parentNode.dataset.stage);
    for (let at = same.indexOf(card.parentNode) + step; same[at]; at += step) {
      const cards = $$('.deal', same[at]);
      if (cards.length) return step > 0 ? cards[0] : cards.at(-1);
    }
    return null;
  },

  // The same column in the next lane.
  beyond(list, step) {
    const same = this.lists.filter((other) => other.dataset.stage === list.dataset.stage);
    return same[same.indexOf(list) + step];
  },

  carry(event) {
    event.preventDefault();
    event.stopPropagation();
    const { card, ...from } = this.lifted;
    const row = this.row(card.parentNode).filter((list) => !list.hasAttribute('data-nodrop') || list === from.list);
    const at = row.indexOf(card.parentNode);
    const put = (list, before) => {
      list.insertBefore(card, before);
      card.focus();
      this.over(list);
      say(`${this.name(list)}, ${this.dataset.positionWord} ${$$('.deal', list).indexOf(card) + 1}`);
    };
    const done = () => { this.lifted = null; card.removeAttribute('data-lifted'); this.dragging(false); resume(); };
    const other = (step) => (this.byMonth ? null : this.beyond(card.parentNode, step));
    if (event.key === 'ArrowDown' && card.nextElementSibling?.matches('.deal')) put(card.parentNode, card.nextElementSibling.nextElementSibling);
    else if (event.key === 'ArrowUp' && card.previousElementSibling) put(card.parentNode, card.previousElementSibling);
    else if (event.key === 'ArrowDown' && other(1)) put(other(1), other(1).firstElementChild);
    else if (event.key === 'ArrowUp' && other(-1)) put(other(-1), $('.cards-more', other(-1)));
    else if (event.key === 'ArrowRight' && row[at + 1]) put(row[at + 1], row[at + 1].firstElementChild);
    else if (event.key === 'ArrowLeft' && row[at - 1]) put(row[at - 1], row[at - 1].firstElementChild);
    else if (event.key === ' ' || event.key === 'Enter') {
      done();
      const { stage } = card.parentNode.dataset;
      if (this.head(stage).dataset.outcome !== 'open') { this.back(card, from); this.ask(card, stage); }
      else if (card.parentNode !== from.list || card.nextElementSibling !== from.next) this.moved(card, from);
    } else if (event.key === 'Escape') { this.back(card, from); done(); card.focus(); say(this.dataset.cancelledWord); }
  },
};
