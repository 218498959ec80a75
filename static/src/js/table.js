// <crm-table>: selection with ranges, the keyboard, the bulk bar, cells that turn into editors, groups and sums.
import './widths.js';
import { $, $$, hold, htmx, resume, say, toast, typing, visit } from './core.js';

class Table extends HTMLElement {
  connectedCallback() {
    this.last = null;
    for (const name of ['click', 'change', 'dblclick', 'focusin']) this.addEventListener(name, this);
    this.addEventListener('keydown', this.tab, true);
    for (const name of ['keydown', 'selection:clear', 'htmx:after:swap']) document.addEventListener(name, this);
    this.again();
  }

  disconnectedCallback() {
    for (const name of ['keydown', 'selection:clear', 'htmx:after:swap']) document.removeEventListener(name, this);
    delete document.documentElement.dataset.bulk;
  }

  get rows() { return $$('tbody tr[data-id]', this); }
  get current() { return $('tbody tr[data-at]', this); }
  box(row) { return $('.check', row); }

  handleEvent(event) {
    const act = { click: 'click', change: 'change', keydown: 'key', dblclick: 'edit', focusin: 'mark', 'selection:clear': 'clear' }[event.type];
    if (act) this[act](event); else this.swapped(event);
  }

  // After the list was drawn, for the first time or again.
  again() {
    this.last = null;
    this.sync();
    this.fillGroups();
    const sums = $('tfoot[data-sums]', this);
    if (sums) htmx.ajax('GET', sums.dataset.sums, { target: sums, swap: 'innerHTML', source: sums });
  }

  // A value that was picked comes from the form of the list at the cell, which stands outside.
  swapped(event) {
    const found = event.detail?.ctx?.target;
    const target = found instanceof Element ? found : null;
    if (!this.contains(target) && !(event.target instanceof Element && this.contains(event.target))) return;
    this.sync();
    this.fillGroups();
    if (!target?.matches?.('[data-cell]') || $('crm-inline', target)) return;
    if (document.activeElement === document.body) this.focusCell(target);
    if ($('.flash', target)) setTimeout(() => say(this.dataset.saved ?? ''), 60);
  }

  // ---- selection ----

  click(event) {
    const { target } = event;
    if (target.closest('[data-all-matching]')) { this.everything(true); return; }
    if (target.closest('[data-clear]')) { this.clear(); return; }
    if (target.closest('[data-merge]')) { this.merge(target.closest('[data-merge]')); return; }
    const fold = target.closest('.gfold');
    if (fold) { this.fold(fold); return; }
    const box = target.closest('tbody .check[name=ids]');
    if (box) {
      const row = box.closest('tr');
      if (event.shiftKey && this.last) this.range(this.last, row, box.checked);
      this.last = row;
      this.sync();
      return;
    }
    const row = target.closest('tbody tr[data-id]');
    if (!row) return;
    if (event.altKey) { event.preventDefault(); this.peek(row); return; }
    if (!target.closest('a, button, input, select, textarea, crm-select, crm-inline')) this.edit(event);
  }

  change(event) {
    if (!event.target.matches('[data-all]')) return;
    this.rows.forEach((row) => { this.box(row).checked = event.target.checked; });
    this.sync();
  }

  range(from, to, on) {
    const [a, b] = [this.rows.indexOf(from), this.rows.indexOf(to)].sort((x, y) => x - y);
    this.rows.slice(a, b + 1).forEach((row) => { this.box(row).checked = on; });
  }

  everything(on) {
    const field = $('[name=all]', this);
    if (field) field.value = on ? '1' : '';
    this.sync();
  }

  clear() {
    this.rows.forEach((row) => { this.box(row).checked = false; });
    this.everything(false);
  }

  sync() {
    const { rows } = this;
    const chosen = rows.filter((row) => this.box(row)?.checked).length;
    const all = $('[data-all]', this);
    const bar = $('.bulk', this);
    if (!bar) return;
    const field = $('[name=all]', this);
    if (!chosen && field) field.value = '';
    const matching = field?.value === '1';
    bar.hidden = !chosen;
    // Toasts make room for the bar. (A rule that looks for it from the body had every change of a page cost as much as the page.)
    document.documentElement.toggleAttribute('data-bulk', Boolean(chosen));
    $('[data-n]', bar).textContent = matching ? bar.dataset.total : chosen;
    if (all) {
      all.checked = Boolean(chosen) && chosen === rows.length;
      all.indeterminate = chosen > 0 && chosen < rows.length;
    }
    const more = $('[data-all-matching]', bar);
    if (more) more.hidden = matching || chosen < rows.length || !bar.dataset.more;
  }

  merge(button) {
    const ids = this.rows.filter((row) => this.box(row).checked).map((row) => row.dataset.id);
    if (ids.length > 1 && ids.length <= 10) visit(`${button.dataset.merge}${ids[0]}?${new URLSearchParams(ids.slice(1).map((id) => ['other', id]))}`);
    else toast({ text: button.dataset.mergeWord, level: 'info' });
  }

  // ---- groups ----

  async fillGroups() {
    const open = $$('tr[data-group]:not([data-filled])', this);
    if (!open.length) return;
    const url = new URL(`${this.dataset.path}/groups?${this.dataset.query}`, location.origin);
    for (const row of open) { row.dataset.filled = ''; url.searchParams.append('g', row.dataset.group); }
    try {
      const response = await fetch(url, { headers: { Accept: 'application/json' } });
      if (!response.ok) return;
      const found = await response.json();
      for (const row of open) {
        for (const cell of $$('[data-sum]', row)) cell.textContent = found[row.dataset.group]?.[cell.dataset.sum] ?? '';
      }
    } catch { /* the sizes are an extra; the rows stand without them */ }
  }

  fold(button) {
    const open = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(open));
    for (let row = button.closest('tr').nextElementSibling; row && !row.matches('.group-row, .more-row'); row = row.nextElementSibling) row.hidden = !open;
  }

  // ---- moving about ----

  move(step) {
    const rows = this.rows.filter((row) => !row.hidden);
    if (!rows.length) return;
    const at = rows.indexOf(this.current);
    const column = this.contains(document.activeElement) ? document.activeElement.closest('td')?.cellIndex : undefined;
    this.current?.removeAttribute('data-at');
    const row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    row.setAttribute('data-at', '');
    row.scrollIntoView({ block: 'nearest' });
    const cell = column === undefined ? null : $('[data-cell]', row.cells[column] ?? row);
    if (cell) this.focusCell(cell); else say(row.dataset.title ?? '');
    if (!$('#peek')?.hidden) this.peek(row);
  }

  focusCell(cell) {
    cell.tabIndex = -1;
    cell.focus();
  }

  // The row that has the focus is the one that keys are about.
  mark({ target }) {
    const row = target.closest('tbody tr[data-id]');
    if (!row || row === this.current) return;
    this.current?.removeAttribute('data-at');
    row.setAttribute('data-at', '');
  }

  // Left and right go from cell to cell of the current row.
  across(row, step) {
    const cells = $$('td.edit [data-cell]', row).filter((cell) => cell.offsetParent);
    if (!cells.length) return;
    const at = cells.indexOf(document.activeElement.closest?.('[data-cell]'));
    this.focusCell(cells[Math.max(0, Math.min(cells.length - 1, at < 0 ? (step > 0 ? 0 : cells.length - 1) : at + step))]);
  }

  peek(row) { document.dispatchEvent(new CustomEvent('ui:peek', { detail: { url: row.dataset.href } })); }

  open(row) { visit($('a[data-record]', row)?.href ?? row.dataset.href); }

  // ---- editing ----

  edit(event) {
    const cell = event.target.closest?.('td.edit [data-cell]') ?? event.target.closest?.('td.edit')?.querySelector('[data-cell]');
    if (cell) this.openCell(cell);
  }

  openCell(cell) {
    if ($('crm-inline', cell)) return;
    this.focusCell(cell);
    const head = $$('thead tr > *', this)[cell.closest('td').cellIndex];
    const menu = $('#cell-pop');
    if (head?.hasAttribute('data-picked') && menu) this.pick(cell, menu);
    else htmx.ajax('GET', cell.dataset.cell, { target: cell, swap: 'innerHTML', source: cell });
  }

  // A value out of a few is picked from a list at the cell.
  async pick(cell, menu) {
    await htmx.ajax('GET', cell.dataset.cell.replace('in=cell', 'in=list'), { target: '#cell-body', swap: 'innerHTML', source: cell });
    if (!cell.isConnected) return;
    hold();
    menu.showPopover({ source: cell });
    ($('input[type=search]', menu) ?? $('[aria-current=true]', menu) ?? $('.mi', menu))?.focus();
    const submit = () => menu.hidePopover();
    menu.addEventListener('submit', submit, { once: true });
    menu.addEventListener('toggle', (event) => {
      if (event.newState !== 'closed') return;
      resume();
      menu.removeEventListener('submit', submit);
      if (!document.activeElement || document.activeElement === document.body || menu.contains(document.activeElement)) this.focusCell(cell);
    }, { once: true });
  }

  // Tab saves the cell and opens the next one.
  tab(event) {
    if (event.key !== 'Tab') return;
    const cell = event.target.closest?.('crm-inline')?.closest('[data-cell]');
    if (!cell || event.target.closest('fieldset')) return;
    const cells = $$('td.edit [data-cell]', this).filter((one) => one.offsetParent);
    const next = cells[cells.indexOf(cell) + (event.shiftKey ? -1 : 1)];
    event.preventDefault();
    event.stopPropagation();
    $('crm-inline', cell).save();
    if (next) this.openCell(next);
  }

  key(event) {
    if (typing(event) || event.altKey || $('dialog[open], .menu:popover-open')) return;
    const inside = event.target === document.body || event.target.id === 'main' || this.contains(event.target);
    const { key } = event;
    const stop = () => event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      if (key === 'a' && inside && this.rows.length) { stop(); this.rows.forEach((row) => { this.box(row).checked = true; }); this.sync(); }
      return;
    }
    const letters = !('noKeys' in document.documentElement.dataset);
    const row = this.current;
    const bar = $('.bulk', this);
    if (letters && (key === 'j' || key === 'k')) { stop(); this.move(key === 'j' ? 1 : -1); }
    else if (letters && key.toLowerCase() === 'x' && row) {
      const box = this.box(row);
      box.checked = !box.checked;
      if (event.shiftKey && this.last) this.range(this.last, row, box.checked);
      this.last = row;
      this.sync();
    } else if (key === 'Escape' && bar && !bar.hidden) this.clear();
    else if (!inside || event.target.closest?.('a, button, input, [role=slider]')) return;
    else if (key === 'ArrowDown' || key === 'ArrowUp') { stop(); this.move(key === 'ArrowDown' ? 1 : -1); }
    else if (!row) return;
    else if (key === 'ArrowRight' || key === 'ArrowLeft') { stop(); this.across(row, key === 'ArrowRight' ? 1 : -1); }
    else if (key === 'Enter' || key === 'F2') {
      stop();
      const cell = document.activeElement.closest?.('[data-cell]');
      if (cell) this.openCell(cell);
      else if (key === 'Enter') this.open(row);
      else this.edit({ target: $('td.edit [data-cell]', row) ?? row });
    } else if (key === ' ') { stop(); this.peek(row); }
  }
}

customElements.define('crm-table', Table);
