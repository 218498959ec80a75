// Small helpers that every element uses.
import { $, $$ } from './dom.js';
import { signIn } from './session.js';

export { $, $$ };

// Tells a screen reader at once; the text is set in the next frame so that a repeated one is spoken again.
export const say = (text) => {
  const region = $('#say');
  if (!region) return;
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; });
};

// Scrolls a strip of tabs so far that the chosen one is seen.
export const reveal = (tab) => {
  const strip = tab?.parentElement;
  if (tab) strip.scrollLeft += tab.getBoundingClientRect().left - strip.getBoundingClientRect().left - (strip.clientWidth - tab.offsetWidth) / 2;
};

export const typing = (event) => event.target.matches?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]');

export const token = () => $('meta[name=csrf-token]')?.content ?? '';

export const toast = (item) => document.dispatchEvent(new CustomEvent('toast', { detail: { items: [item] } }));

// Goes to another page of this application; without the navigation around (sign-in, errors) the page loads.
export const visit = (url, more = {}) => {
  const event = new CustomEvent('ui:visit', { cancelable: true, detail: { ...more, url } });
  if (document.dispatchEvent(event)) location.assign(url);
};

// Names this tab in every request, so that it knows the echo of its own acts.
export const tab = Array.from(crypto.getRandomValues(new Uint8Array(8)), (n) => n.toString(16).padStart(2, '0')).join('');

// Sends a form-encoded POST the way our views expect it from htmx; a session that has ended is begun anew first.
export const post = async (url, data = {}) => {
  const send = () => fetch(url, {
    method: 'POST',
    headers: { 'X-CSRFToken': token(), 'X-Tab-Id': tab, 'HX-Request': 'true', 'HX-Current-URL': location.href },
    body: new URLSearchParams(data),
  });
  const response = await send();
  return response.status === 401 && await signIn() ? send() : response;
};

// Fires what a response asks for in its HX-Trigger and HX-Redirect headers.
export const follow = (response) => {
  const triggers = JSON.parse(response.headers.get('HX-Trigger') || '{}');
  for (const [name, detail] of Object.entries(triggers)) document.dispatchEvent(new CustomEvent(name, { detail }));
  const url = response.headers.get('HX-Redirect');
  if (url) visit(url);
};

// Reads the page again; one stays where one was on it.
export const reload = () => visit(location.href, { push: false, keep: true });

// An icon out of the sprite of those that are shown often (crm/ui/marks.py).
export const icon = (name) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon icon-sm');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  const sprite = $('svg.icon use[href*="/icons."]')?.getAttribute('href').split('#')[0];
  use.setAttribute('href', `${sprite}#${name}`);
  svg.append(use);
  return svg;
};

// People as the server draws them (crm/ui/marks.py): the hue that belongs to an id, and the initials.
const hues = ['coral', 'apricot', 'amber', 'olive', 'green', 'teal', 'sky', 'blue', 'violet', 'pink'];
export const hue = (id) => hues[Number(BigInt(`0x${id.replaceAll('-', '')}`) % BigInt(hues.length))];
export const initials = (name) => {
  const parts = name.replace(/[@.]/g, ' ').split(/\s+/).filter((part) => /^[\p{L}\p{N}]/u.test(part));
  return ((parts[0]?.[0] ?? '?') + (parts.length > 1 ? parts.at(-1)[0] : '')).toUpperCase();
};
