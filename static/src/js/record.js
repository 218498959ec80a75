// <crm-record data-topic data-url>: the page of one record. It hears what others change, draws exactly that anew,
// says when the record is gone, and makes its head small while one reads further down.
import './compose.js';
import { $, $$, htmx, say } from './core.js';

const SOON = 60;

class Record extends HTMLElement {
  connectedCallback() {
    this.fields = new Set();
    this.saved = new Map();
    for (const type of ['live', 'record:changed']) document.addEventListener(type, this);
    this.addEventListener('htmx:before:swap', this);
    this.addEventListener('scroll', this, true);
    this.addEventListener('click', this);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    for (const type of ['live', 'record:changed']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'live') this.hear(event.detail);
    else if (event.type === 'record:changed') this.own(event.detail);
    else if (event.type === 'htmx:before:swap') this.spare(event.detail);
    else if (event.type === 'scroll') this.shrink(event.target);
    else this.click(event);
  }

  // -- what changed -----------------------------------------------------------------------------

  hear({ topic, event, data, own }) {
    if (topic !== this.dataset.topic) return;
    if (event === 'record.changed') {
      const fresh = data.fields.filter((key) => !(own && this.saved.get(key) > Date.now()));
      this.refresh(fresh, own ? [] : data.fields);
    } else if (event === 'record.related') { if (!own) this.refresh([], [data.of]); }
    else if (event === 'record.restored' || event === 'list.dirty') this.refresh(['*'], ['*']);
    else if (event === 'record.deleted' && !own) this.gone(event, data);
    else if (event === 'access.lost') this.gone(event, {});
    if (event === 'record.restored') { delete this.dataset.gone; $$('[data-notices] > :not(template)', this).forEach((el) => el.remove()); }
  }

  // This tab did something. What it drew itself is not drawn again when its echo comes.
  own(detail) {
    const { fields } = detail ?? {};
    for (const key of fields ?? []) this.saved.set(key, Date.now() + 5000);
    this.refresh(document.documentElement.dataset.socket === 'on' && fields ? [] : ['*'], fields ?? ['*']);
  }

  // Several changes in one breath make one request.
  refresh(fields, watched) {
    for (const key of fields) this.fields.add(key);
    this.watched = new Set([...(this.watched ?? []), ...watched]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), SOON);
  }

  ask() {
    const first = $('#tl-first', this);
    const url = new URL(`${this.dataset.url}/live`, location.href);
    url.searchParams.set('fields', [...this.fields].join(','));
    if (first) {
      url.searchParams.set('until', first.dataset.until);
      new URLSearchParams(first.dataset.asked).forEach((value, key) => url.searchParams.set(key, value));
    }
    const { watched } = this;
    this.fields = new Set();
    this.watched = new Set();
    htmx.ajax('GET', url.pathname + url.search, { source: this, target: this, swap: 'none' });
    for (const el of $$('[data-watches]', this)) {
      const names = el.dataset.watches.split(' ');
      if ((watched.has('*') || names.includes('*') || names.some((name) => watched.has(name))) && !$(':scope > .skel, :scope > .panel > .panel-b > .skel', el)) htmx.trigger(el, 'live');
    }
  }

  // A field that is being edited when the answer comes is left alone: saving or leaving it draws it anew.
  spare({ ctx, tasks }) {
    if (ctx.sourceElement !== this) return;
    const edited = ({ target }) => {
      const el = typeof target === 'string' ? $(target) : target;
      return el?.matches?.('[data-field]') && $('crm-inline', el);
    };
    for (const task of tasks.filter(edited)) tasks.splice(tasks.indexOf(task), 1);
  }

  // Somebody deleted it, or one may not see it any more: said once, and nothing that was typed is taken away.
  gone(name, { by, into }) {
    if (this.dataset.gone === name) return;
    this.dataset.gone = name;
    const holder = $('[data-notices]', this);
    const made = $(`template[data-gone="${name}"]`, holder).content.cloneNode(true);
    const text = $('[data-say]', made);
    if (text) text.textContent = by ? text.dataset.say.replace('{by}', by) : text.dataset.plain;
    const link = $('[data-into]', made);
    if (link && into) { link.hidden = false; link.href = `${this.dataset.list}/${into}`; }
    holder.prepend(made);
    say(holder.textContent.trim());
  }

  // -- the page ---------------------------------------------------------------------------------

  shrink(target) {
    if (!target.matches?.('.rec, .rec-l, .rec-c')) return;
    const small = this.hasAttribute('data-small');
    // The head gives its room to the column: without something to spare it would flap.
    if (small || target.scrollHeight - target.clientHeight > 200) this.toggleAttribute('data-small', target.scrollTop > (small ? 4 : 56));
  }

  click(event) {
    const opener = event.target.closest('[data-compose]');
    if (opener) this.compose(opener.dataset.compose);
    const fill = event.target.closest('[data-fill]');
    if (fill) { $('#tab-fields', this)?.click(); $(`#${CSS.escape(fill.dataset.fill)} .fval`, this)?.click(); }
  }

  compose(kind) {
    $('#tab-activity', this)?.click();
    const choice = $(`#composer input[name=kind][value=${CSS.escape(kind)}]`, this);
    if (choice && !choice.checked) choice.click();
    const form = choice?.closest('form');
    const field = kind === 'note' ? $('textarea', form ?? this) : $('input[name=subject]', form ?? this);
    field?.focus();
    field?.scrollIntoView({ block: 'nearest' });
  }
}

customElements.define('crm-record', Record);
