// <crm-seen>: notifications inside are marked as read once they were visible for a second. What is new is announced
// politely, and counted at the bell.
import { $, $$, post } from './core.js';

const LONG = 1000;

class Seen extends HTMLElement {
  connectedCallback() {
    this.since = new Map();
    this.watch = new IntersectionObserver((entries) => entries.forEach((e) => this.look(e)), { threshold: 0.6 });
    this.scan();
    this.changes = new MutationObserver(() => this.scan());
    this.changes.observe(this, { childList: true, subtree: true });
  }

  disconnectedCallback() {
    this.watch.disconnect();
    this.changes.disconnect();
    this.since.forEach(clearTimeout);
    clearTimeout(this.sending);
  }

  scan() { $$('[data-new]', this).forEach((row) => this.watch.observe(row)); }

  look({ target, isIntersecting }) {
    clearTimeout(this.since.get(target));
    this.since.delete(target);
    if (!isIntersecting || document.hidden) return;
    this.since.set(target, setTimeout(() => this.read(target), LONG));
  }

  read(row) {
    this.watch.unobserve(row);
    this.seen = [...(this.seen ?? []), row];
    clearTimeout(this.sending);
    this.sending = setTimeout(async () => {
      const rows = this.seen.splice(0);
      const data = [['seen', '1'], ...rows.map((r) => ['id', r.dataset.new])];
      const response = await post('/notifications/read', data).catch(() => null);
      if (response?.ok) rows.forEach((r) => { delete r.dataset.new; r.dataset.old = ''; });
    }, 200);
  }
}

customElements.define('crm-seen', Seen);

let fresh = false;
document.addEventListener('live', (event) => { if (event.detail.event === 'notification.new') fresh = true; });
document.addEventListener('htmx:after:swap', () => {
  const newest = $('#bell-button')?.dataset.newest;
  if (!fresh || !newest) return;
  fresh = false;
  $('#news').textContent = newest;
});
