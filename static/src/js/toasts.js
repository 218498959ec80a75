// <crm-toasts>: shows what the server answers in HX-Trigger: toast, with Undo. Ctrl-Z takes back the last act.
import { $$, follow, post, reload, say, typing } from './ui.js';

const KEPT = 'toasts';

class Toasts extends HTMLElement {
  connectedCallback() {
    this.undos = [];
    this.told = [];
    document.addEventListener('ui:reload', this);
    document.addEventListener('toast', this);
    document.addEventListener('keydown', this);
    for (const item of $$('[data-toast]', this)) {
      const data = JSON.parse(item.dataset.toast);
      item.remove();
      this.show(data);
    }
    this.kept().forEach((item) => this.show(item));
  }

  // What was told just before the page was read again.
  kept() {
    try {
      const items = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
      sessionStorage.removeItem(KEPT);
      return items;
    } catch { return []; }
  }

  keep() {
    const items = this.told.filter(({ at }) => Date.now() - at < 2000).map(({ item }) => item);
    try { sessionStorage.setItem(KEPT, JSON.stringify(items)); } catch { /* private mode */ }
  }

  disconnectedCallback() {
    document.removeEventListener('toast', this);
    document.removeEventListener('ui:reload', this);
    document.removeEventListener('keydown', this);
  }

  handleEvent(event) {
    if (event.type === 'ui:reload') this.keep();
    else if (event.type === 'toast') {
      for (const item of event.detail.items ?? []) {
        this.told.push({ item, at: Date.now() });
        this.show(item);
      }
    } else if ((event.ctrlKey || event.metaKey) && event.key === 'z' && !event.shiftKey && !typing(event) && this.undos.length) {
      event.preventDefault();
      this.undo(this.undos.at(-1));
    }
  }

  show({ text, level = 'info', undo, url, link }) {
    const toast = document.createElement('div');
    toast.className = 'toast';
    toast.dataset.level = level;
    const words = document.createElement('span');
    words.textContent = text;
    toast.append(words);
    if (url) {
      const anchor = document.createElement('a');
      anchor.href = url;
      anchor.textContent = link || url;
      toast.append(anchor);
    }
    if (undo) {
      const entry = { undo, toast };
      this.undos.push(entry);
      toast.append(this.button(this.dataset.undo, () => this.undo(entry)));
    }
    const close = this.button('×', () => toast.remove());
    close.setAttribute('aria-label', this.dataset.close);
    close.className = 'toast-x';
    toast.append(close);
    this.append(toast);
    if (level === 'error') say(text);
    while (this.children.length > 4) this.firstElementChild.remove();
    const time = undo ? 10_000 : level === 'error' ? 12_000 : 6_000;
    let timer = setTimeout(() => toast.remove(), time);
    toast.addEventListener('pointerenter', () => clearTimeout(timer));
    toast.addEventListener('pointerleave', () => { timer = setTimeout(() => toast.remove(), time); });
  }

  button(label, act) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', act);
    return button;
  }

  async undo(entry) {
    this.undos = this.undos.filter((other) => other !== entry);
    entry.toast.remove();
    const response = await post(entry.undo);
    const answered = response.headers.has('HX-Trigger') || response.headers.has('HX-Redirect');
    follow(response);
    if (response.ok) {
      document.dispatchEvent(new CustomEvent('record:changed', { bubbles: true, detail: {} }));
      if (!response.headers.has('HX-Redirect')) reload();
    } else if (!answered) {
      this.show({ text: response.statusText || String(response.status), level: 'error' });
    }
  }
}

customElements.define('crm-toasts', Toasts);
