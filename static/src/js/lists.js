// What a list page does without being read again: another state of the list, facets, numbers, the quiet bar.
import htmx from './htmx.js';
import { $, $$, reveal, say, visit } from './ui.js';

let facets;

const loadFacets = (delay = 150) => {
  clearTimeout(facets);
  const panel = $('#facets');
  const top = $('#list-top');
  if (!panel || !top) return;
  const on = new URL(top.dataset.url, location.origin).searchParams.has('facets');
  panel.hidden = !on;
  if (on) facets = setTimeout(() => htmx.ajax('GET', top.dataset.facets, { target: '#facets', swap: 'innerMorph', source: '#facets' }), delay);
};

// Goes to another state of the list: bar and rows are drawn again, the side bar and the facets stay.
export const go = async (url, { replace = false } = {}) => {
  const list = $('#list');
  if (!list || new URL(url, location.origin).pathname !== location.pathname) { visit(url); return; }
  for (const menu of $$('.menu:popover-open')) menu.hidePopover();
  $('#dialog[open]')?.close();
  list.setAttribute('aria-busy', 'true');
  const address = new URL(url, location.origin);
  const peek = new URL(location.href).searchParams.get('peek');
  if (peek) address.searchParams.set('peek', peek);
  const path = address.pathname + address.search;
  try {
    await htmx.ajax('GET', url, {
      target: '#list', select: '#list', swap: 'outerMorph', selectOOB: '#list-top:outerMorph', push: replace ? 'false' : path, source: '#list',
    });
  } finally { $('#list')?.removeAttribute('aria-busy'); }
  if (replace) history.replaceState(history.state, '', path);
  const top = $('#list-top');
  const count = $('.head-n');
  if (count && top) count.textContent = top.dataset.count;
  loadFacets();
  $('#list')?.again?.();
};

document.addEventListener('list:go', (event) => {
  go(event.detail.url, { replace: Boolean(event.detail.again) });
});

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-go]');
  if (link && $('#list') && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && event.button === 0) {
    event.preventDefault();
    go(link.getAttribute('href'));
  }
}, true);

document.addEventListener('click', (event) => {
  // “Filter by this” of a column opens the form at the button of the bar.
  const filter = event.target.closest('[data-filter-by]');
  if (filter) {
    filter.closest('[popover]')?.hidePopover();
    const opener = $('.chips > [popovertarget=filter-pop]:last-of-type');
    $('#filter-pop').showPopover({ source: opener ?? undefined });
    htmx.ajax('GET', filter.dataset.filterBy, { target: '#filter-body', swap: 'innerHTML' });
  }
});

// A checkbox of the facets is a link; the space bar works it, too.
document.addEventListener('keydown', (event) => {
  if (event.key === ' ' && event.target.matches?.('a[role=checkbox]')) { event.preventDefault(); event.target.click(); }
});

// “Find in view” answers while one types.
let typed;
document.addEventListener('input', (event) => {
  const form = event.target.closest?.('form[data-find-list]');
  if (!form || !$('#list')) return;
  clearTimeout(typed);
  typed = setTimeout(() => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    go(`${form.getAttribute('action')}?${query}`, { replace: true });
  }, 250);
});
document.addEventListener('submit', (event) => {
  const form = event.target.closest?.('form[data-find-list]');
  if (form && $('#list, #board')) event.preventDefault();
});

// A control that decides what the form asks next has it drawn again.
document.addEventListener('change', (event) => {
  const form = event.target.matches?.('[data-redraw]') && event.target.closest('form');
  const button = form && $('[data-redraw-by]', form);
  if (button) form.requestSubmit(button);
});

// The dialog of the advanced filter takes the place of the menu it was opened from; a menu shows its first control.
document.addEventListener('htmx:after:swap', (event) => {
  const target = event.detail.ctx?.target;
  if (target?.id === 'dialog-body') for (const menu of $$('.menu:popover-open')) menu.hidePopover();
  if (target?.closest?.('.menu:popover-open') && ['filter-body', 'cell-body', 'col-body'].includes(target.id)) {
    const first = $('[autofocus], [aria-current=true], input:not([type=hidden]), select, .mi', target);
    if (first && !first.closest('crm-select')) first.focus();
  }
});

// A quiet bar says how much was changed by others; rows never jump under a reader.
document.addEventListener('dirty', (event) => {
  const bar = event.target;
  if (!bar.matches('[data-one]')) return;
  const n = Number(bar.dataset.count ?? 0) + 1;
  bar.dataset.count = n;
  const text = (n === 1 ? bar.dataset.one : bar.dataset.many).replace('{n}', n.toLocaleString(document.documentElement.lang));
  $('[data-n]', bar).textContent = text;
  bar.hidden = false;
});

// Something was made or changed that rows tell of: those are drawn again, the others stay.
document.addEventListener('record:changed', (event) => {
  const list = $('#list');
  for (const id of list ? event.detail?.about ?? [] : []) {
    const row = $(`#row-${CSS.escape(id)}`, list);
    if (row) htmx.ajax('GET', `${list.dataset.path}/rows?${list.dataset.query}&id=${id}`, { target: row, swap: 'outerMorph', source: row });
  }
});

// <crm-find>: narrows the entries of a menu to what is typed; entries marked data-deep show only then.
class Find extends HTMLElement {
  connectedCallback() { this.addEventListener('input', this); this.addEventListener('keydown', this); }

  handleEvent(event) {
    if (!event.target.matches('[data-find]')) return;
    const items = $$(this.dataset.items ?? '.menu-scroll .mi', this);
    if (event.type === 'keydown') {
      if (event.key === 'Enter') { event.preventDefault(); items.find((item) => !item.hidden)?.click(); }
      return;
    }
    const words = event.target.value.trim().toLowerCase();
    for (const item of items) {
      item.hidden = words ? !`${item.textContent} ${item.dataset.words ?? ''}`.toLowerCase().includes(words) : 'deep' in item.dataset;
    }
  }
}
customElements.define('crm-find', Find);

// <crm-range>: a histogram that is dragged over; its two inputs do the same by typing.
class Range extends HTMLElement {
  connectedCallback() {
    this.addEventListener('pointerdown', this);
    this.addEventListener('change', this);
  }

  bars() { return $$('rect', this); }

  handleEvent(event) {
    if (event.type === 'change') { this.form().requestSubmit(); return; }
    const svg = event.target.closest('svg');
    if (!svg) return;
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    const at = (e) => Math.max(0, Math.min(this.bars().length - 1, Math.floor(((e.clientX - box.left) / box.width) * this.bars().length)));
    const start = at(event);
    const paint = (e) => {
      const [a, b] = [start, at(e)].sort((x, y) => x - y);
      this.bars().forEach((bar, i) => bar.classList.toggle('on', i >= a && i <= b));
      $('[name=low]', this).value = this.bars()[a].dataset.low;
      $('[name=high]', this).value = this.bars()[b].dataset.high;
    };
    paint(event);
    svg.setPointerCapture(event.pointerId);
    svg.addEventListener('pointermove', paint);
    svg.addEventListener('pointerup', () => {
      svg.removeEventListener('pointermove', paint);
      this.form().requestSubmit();
    }, { once: true });
  }

  form() { return $('form', this); }
}
customElements.define('crm-range', Range);

// <crm-views>: tabs that are put in order by dragging, or by Alt and an arrow key.
class Views extends HTMLElement {
  connectedCallback() {
    this.addEventListener('keydown', this);
    for (const name of ['dragstart', 'dragover', 'dragend']) this.addEventListener(name, this);
    reveal($('[aria-current]', this));
  }

  handleEvent(event) {
    const tab = event.target.closest?.('[data-view]');
    if (event.type === 'keydown') {
      if (!tab || !event.altKey || !['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
      event.preventDefault();
      const tabs = $$('[data-view]', this);
      const other = tabs[tabs.indexOf(tab) + (event.key === 'ArrowLeft' ? -1 : 1)];
      if (!other) return;
      if (event.key === 'ArrowLeft') other.before(tab); else other.after(tab);
      tab.focus();
      say(`${tab.textContent.trim()} ${$$('[data-view]', this).indexOf(tab) + 1}`);
      this.keep();
    } else if (event.type === 'dragstart') this.dragged = tab;
    else if (event.type === 'dragover' && this.dragged && tab && tab !== this.dragged) {
      event.preventDefault();
      const box = tab.getBoundingClientRect();
      if (event.clientX < box.left + box.width / 2) tab.before(this.dragged); else tab.after(this.dragged);
    } else if (event.type === 'dragend' && this.dragged) { this.dragged = null; this.keep(); }
  }

  keep() {
    const body = new URLSearchParams($$('[data-view]', this).map((tab) => ['ids', tab.dataset.view]));
    htmx.ajax('POST', `${this.dataset.order}?${body}`, { swap: 'none' });
  }
}
customElements.define('crm-views', Views);

document.addEventListener('page:shown', () => loadFacets(0));
loadFacets(0);
