// <crm-toasts>: shows what the server answers in HX-Trigger: toast, with Undo. Ctrl-Z takes back the last act of
// this tab, also when its toast has gone.
import { $$, follow, post, reload, say, typing } from './ui.js';

const KEPT = 'toasts';
const UNDOS = 'undos';
const SHOWN = 6_000;
const LONGER = 10_000;

const read = (name) => { try { return JSON.parse(sessionStorage.getItem(name) ?? '[]'); } catch { return []; } };
const write = (name, items) => { try { sessionStorage.setItem(name, JSON.stringify(items)); } catch { /* private mode */ } };

const heard = ['ui:leave', 'toast', 'undo:kept', 'keydown', 'live'];

class Toasts extends HTMLElement {
  connectedCallback() {
    this.undos = read(UNDOS);
    this.told = [];
    for (const type of heard) document.addEventListener(type, this);
    for (const item of $$('[data-toast]', this)) {
      const data = JSON.parse(item.dataset.toast);
      item.remove();
      this.show(data);
    }
    // What was told just before another document was loaded is still told on it.
    read(KEPT).forEach((item) => this.show(item));
    write(KEPT, []);
  }

  disconnectedCallback() {
    for (const type of heard) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'ui:leave') write(KEPT, this.told.filter(({ at }) => Date.now() - at < 2000).map(({ item }) => item));
    else if (event.type === 'undo:kept') this.keep(event.detail.url);
    else if (event.type === 'live') {
      if (event.detail.event === 'job.done' && !document.hidden) post(`/jobs/${event.detail.data.job}/told`).then(follow);
    }
    else if (event.type === 'toast') {
      for (const item of event.detail.items ?? []) {
        // Two answers that crossed may tell of the same act.
        const same = (one) => one.item.text === item.text && (item.undo ? one.item.undo === item.undo : Date.now() - one.at < 1500);
        if (this.told.some(same)) continue;
        this.told.push({ item, at: Date.now() });
        this.show(item);
      }
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z' && !event.shiftKey && !typing(event) && this.undos.length) {
      event.preventDefault();
      this.undo(this.undos.at(-1));
    }
  }

  show({ text, level = 'info', undo, url, link, many, act, id }) {
    const toast = document.createElement('div');
    toast.className = 'toast';
    toast.dataset.level = level;
    const words = document.createElement('span');
    words.textContent = text;
    toast.append(words);
    if (id) {
      const code = document.createElement('code');
      code.textContent = id;
      toast.append(code);
    }
    if (url) {
      const anchor = document.createElement('a');
      anchor.href = url;
      anchor.textContent = link || url;
      toast.append(anchor);
    }
    if (act) toast.append(this.button(this.dataset.retry, () => { toast.remove(); act(); }));
    if (undo) {
      toast.dataset.act = undo;
      this.keep(undo);
      toast.append(this.button(this.dataset.undo, () => this.undo(undo)));
    }
    const close = this.button('×', () => toast.remove());
    close.setAttribute('aria-label', this.dataset.close);
    close.className = 'toast-x';
    toast.append(close);
    this.append(toast);
    if (level === 'error') say(text);
    while (this.children.length > 4) this.firstElementChild.remove();
    this.expire(toast, many || level === 'error' || act ? LONGER : SHOWN);
  }

  // The undo of an undo has its button, but Ctrl-Z goes on backwards.
  keep(undo) {
    if (!this.undoing && this.undos.at(-1) !== undo) this.undos = [...this.undos.filter((other) => other !== undo), undo].slice(-10);
    write(UNDOS, this.undos);
  }

  // Goes after its time, but not under the pointer or the focus.
  expire(toast, time) {
    let timer;
    const stop = () => clearTimeout(timer);
    const start = () => {
      stop();
      timer = setTimeout(() => toast.remove(), time);
    };
    toast.addEventListener('pointerenter', stop);
    toast.addEventListener('focusin', stop);
    toast.addEventListener('pointerleave', () => { if (!toast.contains(document.activeElement)) start(); });
    toast.addEventListener('focusout', (event) => { if (!toast.contains(event.relatedTarget) && !toast.matches(':hover')) start(); });
    start();
  }

  button(label, act) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', act);
    return button;
  }

  async undo(url) {
    const keep = this.undos;
    this.undos = keep.filter((other) => other !== url);
    write(UNDOS, this.undos);
    $$('.toast', this).filter((toast) => toast.dataset.act === url).forEach((toast) => toast.remove());
    const response = await post(url).catch(() => null);
    if (!response) {
      this.undos = keep;
      write(UNDOS, keep);
      this.show({ text: this.dataset.unreachable, level: 'error', act: () => this.undo(url) });
      return;
    }
    const answered = response.headers.has('HX-Trigger') || response.headers.has('HX-Redirect');
    this.undoing = true;
    follow(response);
    this.undoing = false;
    if (response.ok) {
      document.dispatchEvent(new CustomEvent('record:changed', { bubbles: true, detail: {} }));
      if (!response.headers.has('HX-Redirect')) reload();
    } else if (!answered) {
      this.show({ text: response.statusText || String(response.status), level: 'error' });
    }
  }
}

customElements.define('crm-toasts', Toasts);
