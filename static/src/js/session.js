// A session that has ended: one signs in again in a dialog, and goes on where one was with what was typed.
import { $, $$ } from './dom.js';

const HOME = '/account/here';
let asking;

const takeToken = (value) => {
  const meta = $('meta[name=csrf-token]');
  if (meta) meta.content = value;
  for (const field of $$('[name=csrfmiddlewaretoken]')) field.value = value;
};

// Asks whether somebody is signed in here, perhaps in another tab; another person gets a page of his own.
const here = async () => {
  const response = await fetch(HOME, { headers: { Accept: 'application/json' } }).catch(() => null);
  if (!response?.ok) return false;
  const { user, token: value } = await response.json();
  if (user !== document.body.dataset.user) { location.reload(); return false; }
  takeToken(value);
  return true;
};

class Entrance {
  constructor(dialog) {
    this.dialog = dialog;
    this.body = $('[data-entrance]', dialog);
    this.back = document.activeElement;
    this.stop = new AbortController();
  }

  async open() {
    const { signal } = this.stop;
    const found = new Promise((resolve) => { this.end = resolve; });
    this.dialog.addEventListener('submit', (event) => { event.preventDefault(); event.stopPropagation(); this.send(event.target, event.submitter); }, { signal, capture: true });
    this.dialog.addEventListener('close', () => this.end(false), { signal });
    window.addEventListener('focus', async () => { if (await here()) this.end(true); }, { signal });
    await this.read(`/account/sign-in?next=${encodeURIComponent(HOME)}`);
    if (!this.dialog.open) this.dialog.showModal();
    $('input:not([type=hidden])', this.body)?.focus();
    const back = await found;
    this.stop.abort();
    if (this.dialog.open) this.dialog.close();
    this.body.replaceChildren();
    if (this.back?.isConnected) this.back.focus();
    return back;
  }

  async read(url, options = {}) {
    const response = await fetch(url, { ...options, headers: { Accept: 'text/html', ...options.headers } });
    if (new URL(response.url).pathname === HOME) { this.end(await here()); return; }
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const content = $('.entrance-card', page) ?? $('#main', page);
    $$('script', content ?? page).forEach((script) => script.remove());
    this.body.replaceChildren(...(content?.childNodes ?? []));
    // Passkeys need the whole page; it opens beside, and this dialog notices when one comes back.
    $$('#passkey_login, [form=mfa_login], .entrance-line', this.body).forEach((el) => el.remove());
    $('[role=alert], [aria-invalid=true], input:not([type=hidden])', this.body)?.focus?.();
  }

  send(form, submitter) {
    const body = new URLSearchParams(new FormData(form, submitter));
    if (!body.has('next')) body.set('next', HOME);
    this.read(form.getAttribute('action') || '/account/sign-in', { method: 'POST', body }).catch(() => {});
  }
}

// Resolves to true once one is signed in again, to false when one gave up.
export const signIn = () => {
  asking ??= (async () => {
    if (await here()) return true;
    const dialog = $('#entrance');
    return dialog ? new Entrance(dialog).open() : false;
  })().catch(() => false).finally(() => { asking = null; }).then((back) => {
    if (back) document.dispatchEvent(new Event('session:back'));
    return back;
  });
  return asking;
};
