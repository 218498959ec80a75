// <crm-table>: selection with ranges, the keyboard, the bulk bar, cells that turn into editors.
import htmx from './htmx.js';
import { $, $$, say, typing, visit } from './ui.js';

class Table extends HTMLElement {
  connectedCallback() {
    this.last = null;
    this.addEventListener('click', this);
    this.addEventListener('change', this);
    this.addEventListener('dblclick', this);
    document.addEventListener('keydown', this);
    this.addEventListener('htmx:after:swap', this);
    document.addEventListener('selection:clear', this);
    this.sync();
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this);
    document.removeEventListener('selection:clear', this);
  }

  get rows() { return $$('tbody tr[data-id]', this); }
  get current() { return $('tbody tr[data-at]', this); }
  box(row) { return $('.check', row); }

  handleEvent(event) {
    const act = { click: 'click', change: 'change', keydown: 'key', dblclick: 'edit', 'selection:clear': 'clear' }[event.type];
    if (act) this[act](event); else this.sync();
  }

  click(event) {
    if (event.target.closest('[data-all-matching]')) { this.everything(true); return; }
    if (event.target.closest('[data-clear]')) { this.clear(); return; }
    const box = event.target.closest('tbody .check[name=ids]');
    if (box) {
      const row = box.closest('tr');
      if (event.shiftKey && this.last) this.range(this.last, row, box.checked);
      this.last = row;
      this.sync();
      return;
    }
    const row = event.target.closest('tbody tr[data-id]');
    if (!row) return;
    if (event.altKey) { event.preventDefault(); this.peek(row); return; }
    if (!event.target.closest('a, button, input, select, textarea, crm-select, crm-inline')) this.edit(event);
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
    $('[data-n]', bar).textContent = matching ? bar.dataset.total : chosen;
    if (all) {
      all.checked = Boolean(chosen) && chosen === rows.length;
      all.indeterminate = chosen > 0 && chosen < rows.length;
    }
    const more = $('[data-all-matching]', bar);
    if (more) more.hidden = matching || chosen < rows.length || !bar.dataset.more;
  }

  move(step) {
    const { rows } = this;
    if (!rows.length) return;
    const at = rows.indexOf(this.current);
    this.current?.removeAttribute('data-at');
    const row = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    row.setAttribute('data-at', '');
    row.scrollIntoView({ block: 'nearest' });
    say(row.dataset.title ?? '');
    if (!$('#peek')?.hidden) this.peek(row);
  }

  peek(row) { document.dispatchEvent(new CustomEvent('ui:peek', { detail: { url: row.dataset.href } })); }

  edit(event) {
    const cell = event.target.closest?.('td.edit [data-cell]') ?? event.target.closest?.('td.edit')?.querySelector('[data-cell]');
    if (cell && !$('crm-inline', cell)) htmx.ajax('GET', cell.dataset.cell, { target: cell, swap: 'innerHTML', source: cell });
  }

  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open], .menu:popover-open')) return;
    const letters = !('noKeys' in document.documentElement.dataset);
    const row = this.current;
    const inside = event.target === document.body || event.target.id === 'main' || this.contains(event.target);
    const { key } = event;
    const stop = () => event.preventDefault();
    if (letters && (key === 'j' || key === 'k')) { stop(); this.move(key === 'j' ? 1 : -1); }
    else if (letters && key.toLowerCase() === 'x' && row) {
      const box = this.box(row);
      box.checked = !box.checked;
      if (event.shiftKey && this.last) this.range(this.last, row, box.checked);
      this.last = row;
      this.sync();
    } else if (key === 'Escape' && !$('.bulk', this)?.hidden) this.clear();
    else if (!row || !inside || event.target.closest?.('a, button, input')) return;
    else if (key === 'Enter') visit(row.dataset.href);
    else if (key === ' ') { stop(); this.peek(row); }
    else if (key === 'F2') { stop(); this.edit({ target: $('td.edit [data-cell]', row) ?? row }); }
    else if (key === 'ArrowDown' || key === 'ArrowUp') { stop(); this.move(key === 'ArrowDown' ? 1 : -1); }
  }
}

customElements.define('crm-table', Table);
