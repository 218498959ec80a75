// The sums above a board's columns and lanes: shifted at once when a card moves, and set to the server's afterwards.
import { $, $$ } from './core.js';

const language = () => document.documentElement.lang || 'en';
const amount = (n, short) => new Intl.NumberFormat(language(), {
  style: 'currency', currency: $('#board').dataset.currency || 'USD', notation: short && Math.abs(n) >= 1e4 ? 'compact' : 'standard',
  maximumFractionDigits: short && Math.abs(n) >= 1e4 ? 1 : Number.isInteger(n) ? 0 : 2, minimumFractionDigits: Number.isInteger(n) || (short && Math.abs(n) >= 1e4) ? 0 : 2,
}).format(n);
const count = (n) => new Intl.NumberFormat(language()).format(n);
const numbers = ({ count: n, total, weighted }) => ({ count: Number(n), total: Number(total), weighted: Number(weighted) });
const nothing = { count: 0, total: 0, weighted: 0 };

export const boardSums = (board) => {
  let known = null;
  let lanes = {};

  const heads = () => $$('[data-head]', board);
  const current = () => known ?? Object.fromEntries(heads().map((h) => [h.dataset.head, numbers(h.dataset)]));

  const set = (el, sums) => {
    const put = (selector, text) => { const at = $(selector, el); if (at) at.textContent = text; };
    put('[data-n]', count(sums.count));
    put('[data-sum]', amount(sums.total));
    put('[data-short]', amount(sums.total, true));
    put('[data-w]', `${amount(sums.weighted, true)} ${board.dataset.weightedWord}`);
  };

  const draw = (sums) => {
    known = sums;
    const open = heads().filter((h) => h.dataset.outcome === 'open');
    const top = Math.max(1, ...open.map((h) => sums[h.dataset.head]?.total ?? 0));
    const all = { ...nothing };
    for (const head of heads()) {
      const own = sums[head.dataset.head] ?? nothing;
      set(head, own);
      $('.col-bar rect', head)?.setAttribute('width', Math.min(100, 100 * own.total / top));
      head.toggleAttribute('data-over-limit', Boolean(head.dataset.limit) && own.count > Number(head.dataset.limit));
      const pill = $(`[data-pill="${CSS.escape(head.dataset.head)}"] [data-pill-n]`);
      if (pill) pill.textContent = count(own.count);
      if (open.includes(head)) for (const key of Object.keys(all)) all[key] += own[key];
    }
    for (const [selector, value] of [['[data-total]', all.total], ['[data-all-weighted]', all.weighted]]) {
      const at = $(selector);
      if (at) at.textContent = amount(value, true);
    }
  };

  const laneHead = (key) => $(`[data-lane-head="${CSS.escape(key)}"]`, board);
  const isOpen = (list) => $(`[data-head="${CSS.escape(list.dataset.stage)}"]`, board)?.dataset.outcome === 'open';

  // A lane counts its open deals.
  const shiftLanes = (card, from, to) => {
    for (const [list, sign] of [[from, -1], [to, 1]]) {
      const head = list.dataset.lane && isOpen(list) && laneHead(list.dataset.lane);
      if (!head) continue;
      const sums = { ...numbers(lanes[list.dataset.lane] ?? head.dataset) };
      const value = Number(card.dataset.amount) || 0;
      sums.count += sign;
      sums.total += sign * value;
      sums.weighted += sign * value * (Number(card.dataset.p) || 0) / 100;
      lanes = { ...lanes, [list.dataset.lane]: sums };
      set($('.lane-h', head), sums);
    }
  };

  return {
    forget() { known = null; lanes = {}; },

    // Until the server answers, a move shifts one card's amount from one list of cards to the other.
    shift(card, fromList, toList) {
      if (fromList === toList) return;
      shiftLanes(card, fromList, toList);
      const from = fromList.dataset.stage;
      const to = toList.dataset.stage;
      if (from === to) return;
      const value = Number(card.dataset.amount) || 0;
      const own = Number(card.dataset.p) || 0;
      const sums = Object.fromEntries(Object.entries(current()).map(([key, s]) => [key, { ...s }]));
      for (const [key, sign] of [[from, -1], [to, 1]]) {
        if (!sums[key]) continue;
        // In a stage a deal is weighted by the stage's probability; among months it keeps its own.
        const p = sign < 0 ? own : $(`[data-head="${CSS.escape(key)}"]`, board)?.dataset.p ?? own;
        sums[key].count += sign;
        sums[key].total += sign * value;
        sums[key].weighted += sign * value * Number(p) / 100;
      }
      draw(sums);
    },

    write(answered, answeredLanes) {
      draw(Object.fromEntries(Object.entries(answered).map(([key, s]) => [key, numbers(s)])));
      lanes = answeredLanes ?? lanes;
      if (!Object.keys(lanes).length) return;
      for (const lane of $$('[data-lane-head]', board)) set($('.lane-h', lane), numbers(lanes[lane.dataset.laneHead] ?? nothing));
    },
  };
};
