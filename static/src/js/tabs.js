// <crm-tabs>: tabs whose panels load on the first visit; arrows move, the address remembers.
// A strip of tabs that is wider than the screen shows the chosen one.
import { $, $$, reveal } from './ui.js';

class Tabs extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', this);
    this.addEventListener('keydown', this);
    const chosen = () => reveal(this.tabs.find((tab) => tab.ariaSelected === 'true'));
    chosen();
    // The counts come later and make the strip longer.
    $('[role=tablist]', this)?.addEventListener('htmx:after:swap', chosen, { once: true });
  }

  get tabs() { return $$(':scope > [role=tablist] > [role=tab]', this); }

  handleEvent(event) {
    const tab = event.target.closest('[role=tab]');
    if (!tab || !this.tabs.includes(tab)) return;
    if (event.type === 'click') { this.show(tab); return; }
    const { tabs } = this;
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.length, End: tabs.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.indexOf(tab);
    const next = Math.abs(step) > 1 ? (step < 0 ? 0 : tabs.length - 1) : (at + step + tabs.length) % tabs.length;
    tabs[next].focus();
    tabs[next].click();
  }

  show(tab) {
    for (const other of this.tabs) {
      const on = other === tab;
      other.setAttribute('aria-selected', String(on));
      other.tabIndex = on ? 0 : -1;
      const panel = $(`#${CSS.escape(other.getAttribute('aria-controls'))}`);
      // A column of the page is a tab only where there is no room beside the others.
      if (panel?.matches('aside')) panel.toggleAttribute('data-on', on); else if (panel) panel.hidden = !on;
    }
    reveal(tab);
    if (!this.dataset.param) return;
    const url = new URL(location.href);
    if (tab === this.tabs[0]) url.searchParams.delete(this.dataset.param);
    else url.searchParams.set(this.dataset.param, tab.dataset.tab);
    history.replaceState(history.state, '', url);
  }
}

customElements.define('crm-tabs', Tabs);
