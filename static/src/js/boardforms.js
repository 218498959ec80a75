// What a board asks at a card: the fields a stage needs, the day and the reason of a closing.
import { $, htmx, post, toast } from './core.js';

export const boardForms = {
  // A closing stage asks first; the others only when something is missing.
  async ask(card, stage) {
    const near = $('.deal', this.list(stage) ?? document.createElement('ul'));
    const data = { stage, version: card.dataset.version, before: near?.dataset.id ?? '' };
    const answer = await this.get(card, `/deals/${card.dataset.id}/move?${new URLSearchParams(data)}`);
    if (answer?.form) this.show(card, answer.form); else if (answer) this.tell(card, this.place(card), data);
  },

  async get(card, url) {
    try {
      const response = await fetch(url, { headers: { Accept: 'application/json' } });
      const answer = await response.json().catch(() => ({ message: response.statusText }));
      if (response.ok) return answer;
      this.trouble(card, answer.message);
    } catch { this.trouble(card, this.dataset.failedWord); }
    return null;
  },

  // A form in a popover at the card; closing it without sending gives up.
  show(card, form, cancel) {
    const pop = $('#deal-pop');
    this.pop = null;
    card.removeAttribute('data-pending');
    pop.innerHTML = form;
    htmx.process(pop);
    if (!pop.matches(':popover-open')) pop.showPopover({ source: card });
    this.pop = { card, cancel };
    ($('[aria-invalid=true]', pop) ?? $('input:not([type=hidden]), select', pop))?.focus();
  },

  hide(cancelled) {
    const pop = this.pop;
    this.pop = null;
    if ($('#deal-pop').matches(':popover-open')) $('#deal-pop').hidePopover();
    $('#deal-pop').replaceChildren();
    if (!pop) return;
    if (cancelled) pop.cancel?.();
    if (pop.card.isConnected) pop.card.focus({ preventScroll: true });
  },

  async submit(form) {
    const button = $('[type=submit]', form);
    button.disabled = true;
    const fields = Object.fromEntries(new FormData(form));
    const { card, cancel } = this.pop ?? {};
    let response;
    try {
      response = await post(form.getAttribute('action'), { ...fields, board: this.dataset.params });
    } catch {
      button.disabled = false;
      toast({ text: this.dataset.failedWord, level: 'error' });
      return;
    }
    const answer = await response.json().catch(() => ({ message: response.statusText }));
    button.disabled = false;
    if (response.ok) { this.hide(false); this.apply(answer, true); } else if (answer.form) this.show(card, answer.form, cancel);
    else { this.hide(true); if (card) this.trouble(card, answer.message); }
  },
};
