// <crm-peek>: a record beside the list. Space on a row or Alt-click on any record link opens it; Escape closes.
import { $, dressed, htmx } from './core.js';

class Peek extends HTMLElement {
  connectedCallback() {
    document.addEventListener('ui:peek', this);
    document.addEventListener('keydown', this);
    document.addEventListener('click', this, true);
    for (const type of ['page:shown', 'dialog:close', 'htmx:after:swap']) document.addEventListener(type, this);
    this.follow();
  }

  // Another page is shown: the peek is what its address says.
  follow() {
    const url = new URLSearchParams(location.search).get('peek');
    if (url && /^\/[a-z-]+\/[0-9a-f-]{36}$/.test(url)) this.open(url);
    else if (!this.hidden) this.close();
  }

  disconnectedCallback() {
    document.removeEventListener('ui:peek', this);
    document.removeEventListener('keydown', this);
    document.removeEventListener('click', this, true);
    for (const type of ['page:shown', 'dialog:close', 'htmx:after:swap']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'ui:peek') this.open(event.detail.url);
    else if (event.type === 'page:shown') this.follow();
    else if (event.type === 'keydown') {
      if (event.key === 'Escape' && !this.hidden && !$('dialog[open], .menu:popover-open, crm-inline')) this.close();
    } else if (event.type === 'dialog:close') this.fixed(event);
    else if (event.type === 'htmx:after:swap') this.own($('#peek-fix', this));
    else if (event.target.closest('[data-peek-close]')) this.close();
    else if (event.target.closest('#peek-fix [data-close]')) { event.preventDefault(); event.stopPropagation(); this.fixed(event); } else if (event.target.closest('[data-fix]')) {
      const link = event.target.closest('[data-fix]');
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      link.focus({ preventScroll: true });
      this.open(link.getAttribute('href'), link.dataset.fix);
    }
    else if (event.altKey) {
      const link = event.target.closest('a[data-record]');
      if (link) { event.preventDefault(); this.open(link.getAttribute('href')); }
    }
  }

  // With the address of a form the record opens with that form on top: what has to be mended, and what it is about.
  async open(url, fix = '') {
    if (!this.contains(document.activeElement)) this.from = document.activeElement;
    this.hidden = false;
    document.getElementById('app').dataset.peek = '';
    this.remember(url);
    dressed();
    await htmx.ajax('GET', `${url}?peek=1`, { target: '#peek', swap: 'innerHTML' });
    if (!fix || !$('.rec-head', this)) return;
    const place = document.createElement('div');
    place.id = 'peek-fix';
    $('.rec-head', this).after(place);
    await htmx.ajax('GET', fix, { target: '#peek-fix', swap: 'innerHTML' });
  }

  // The form was made for a dialog: here its answers come to where it stands.
  own(place) {
    const foreign = [...place?.querySelectorAll('[hx-target="#dialog-body"]') ?? []];
    if (!foreign.length) return;
    for (const el of foreign) el.setAttribute('hx-target', '#peek-fix');
    $('[autofocus], input:not([type=hidden]), select, textarea', place)?.focus();
  }

  // Mended or given up: the form goes, and once mended the peek with it; the focus returns to where it came from.
  fixed(event) {
    const place = $('#peek-fix', this);
    if (!place) return;
    if (event.type === 'click') { place.remove(); $('[data-peek-close]', this)?.focus(); } else this.close();
  }

  close() {
    const inside = this.contains(document.activeElement) || document.activeElement === document.body;
    this.hidden = true;
    this.replaceChildren();
    delete document.getElementById('app').dataset.peek;
    this.remember('');
    document.dispatchEvent(new CustomEvent('ui:peek:closed'));
    if (inside && this.from?.isConnected) this.from.focus({ preventScroll: true });
  }

  remember(path) {
    const url = new URL(location.href);
    if (path) url.searchParams.set('peek', path); else url.searchParams.delete('peek');
    history.replaceState(history.state, '', url);
  }
}

customElements.define('crm-peek', Peek);
