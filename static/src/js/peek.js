// <crm-peek>: a record beside the list. Space on a row or Alt-click on any record link opens it; Escape closes.
import htmx from './htmx.js';
import { $ } from './ui.js';

class Peek extends HTMLElement {
  connectedCallback() {
    document.addEventListener('ui:peek', this);
    document.addEventListener('keydown', this);
    document.addEventListener('click', this, true);
    document.addEventListener('page:shown', this);
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
    document.removeEventListener('page:shown', this);
  }

  handleEvent(event) {
    if (event.type === 'ui:peek') this.open(event.detail.url);
    else if (event.type === 'page:shown') this.follow();
    else if (event.type === 'keydown') {
      if (event.key === 'Escape' && !this.hidden && !$('dialog[open], .menu:popover-open, crm-inline')) this.close();
    } else if (event.target.closest('[data-peek-close]')) this.close();
    else if (event.altKey) {
      const link = event.target.closest('a[data-record]');
      if (link) { event.preventDefault(); this.open(link.getAttribute('href')); }
    }
  }

  open(url) {
    this.hidden = false;
    document.getElementById('app').dataset.peek = '';
    htmx.ajax('GET', `${url}?peek=1`, { target: '#peek', swap: 'innerHTML' });
    this.remember(url);
  }

  close() {
    this.hidden = true;
    this.replaceChildren();
    delete document.getElementById('app').dataset.peek;
    this.remember('');
    document.dispatchEvent(new CustomEvent('ui:peek:closed'));
  }

  remember(path) {
    const url = new URL(location.href);
    if (path) url.searchParams.set('peek', path); else url.searchParams.delete('peek');
    history.replaceState(history.state, '', url);
  }
}

customElements.define('crm-peek', Peek);
