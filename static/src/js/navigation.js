// Boosted navigation: links and plain forms read the next page and change only #main, so the socket, the side bar
// and what is told stay. One listener for the whole document; what leaves the application loads as always.
import htmx from './htmx.js';
import { $, $$, follow, say, token, tab } from './ui.js';
import { failure } from './failures.js';
import { signIn } from './session.js';
import { dressed } from './person.js';

const OUTSIDE = /^\/(?:account|admin|api|static|health|metrics)(?:\/|$)|\/(?:download|preview|export|errors)$/;
const MEMORY = 50;
const places = new Map();
let key = history.state?.key ?? crypto.randomUUID();
let running;

const main = () => $('#main');
const boosts = (url) => Boolean(main()?.dataset.shell) && url.origin === location.origin && !OUTSIDE.test(url.pathname);

// -- where one was: scroll and focus of each history entry -----------------------------------------

const signature = (el) => {
  if (!el || el === document.body || !main().contains(el) || el === main()) return null;
  return { id: el.id, tag: el.tagName, href: el.getAttribute('href'), text: (el.getAttribute('aria-label') ?? el.textContent).trim().slice(0, 80) };
};
const find = (mark) => {
  if (!mark) return null;
  if (mark.id) return document.getElementById(mark.id);
  const same = $$(mark.tag, main()).filter((el) => (el.getAttribute('aria-label') ?? el.textContent).trim().slice(0, 80) === mark.text);
  return same.find((el) => el.getAttribute('href') === mark.href) ?? same[0];
};
// A cell takes the focus only from a script.
const land = (el) => {
  if (document.activeElement === el) return;
  if (el.matches('[data-cell]')) el.tabIndex = -1;
  el.focus({ preventScroll: true });
};
// What has scrolled is known by its place among the elements of its class.
const scrolled = new Set();
document.addEventListener('scroll', (event) => { if (main()?.contains(event.target)) scrolled.add(event.target); }, { capture: true, passive: true });
const kin = ({ classList: [name] }) => (name ? $$(`.${CSS.escape(name)}`, main()) : []);
const tops = () => [...scrolled].filter((el) => el.isConnected && (el.scrollTop || el.scrollLeft)).map((el) => (
  { name: el.classList[0], at: kin(el).indexOf(el), top: el.scrollTop, left: el.scrollLeft }
));
const remember = () => {
  if (!main()) return;
  places.set(key, { tops: tops(), focus: signature(document.activeElement) });
  if (places.size > MEMORY) places.delete(places.keys().next().value);
};
// Rows that come while scrolling are asked for again, many at a time, until the old place is reached; then the focus finds it, too.
const scrollBack = (place) => {
  const wanted = place?.tops ?? [];
  const put = () => wanted.map(({ name, at, top, left }) => {
    const el = name && $$(`.${CSS.escape(name)}`, main())[at];
    el?.scrollTo(left, top);
    return !el || el.scrollTop >= top - 1;
  }).every(Boolean);
  if (put()) return;
  const ends = ['wheel', 'pointerdown', 'keydown', 'ui:visit'];
  const many = ({ detail: { ctx } }) => { if (ctx.sourceElement?.id === 'more') ctx.request.action += '&many=1'; };
  let timer;
  const stop = () => {
    clearTimeout(timer);
    for (const type of ends) document.removeEventListener(type, stop, true);
    document.removeEventListener('htmx:config:request', many);
    growing.disconnect();
  };
  const wait = () => { clearTimeout(timer); timer = setTimeout(stop, 3000); };
  const growing = new MutationObserver(() => {
    wait();
    if (!put()) return;
    stop();
    const focus = [document.body, main()].includes(document.activeElement) && find(place.focus);
    if (focus) land(focus);
  });
  growing.observe(main(), { childList: true, subtree: true });
  wait();
  for (const type of ends) document.addEventListener(type, stop, true);
  document.addEventListener('htmx:config:request', many);
};

// -- the parts of the shell that follow the page ---------------------------------------------------

const within = (path, base) => path === base || (base !== '/' && path.startsWith(`${base}/`));
const dress = () => {
  const { theme, density, keys } = main().dataset;
  const root = document.documentElement;
  if (theme) window.setTheme?.(theme);
  if (density) root.dataset.density = density;
  root.toggleAttribute('data-no-keys', keys === 'off');
  for (const link of $$('.side .nav, .tabbar a')) {
    const here = within(location.pathname, link.getAttribute('href'));
    if (here) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
};
const skeleton = (path) => {
  const shape = /[0-9a-f-]{36}/.test(path) ? 'record' : path === '/deals' ? 'board' : path === '/' || path.startsWith('/reports') ? 'cards' : 'list';
  return $(`#skeletons [data-shape=${shape}]`)?.content.cloneNode(true);
};
const busy = (on, path) => {
  document.documentElement.toggleAttribute('data-busy', on);
  if (on) main()?.setAttribute('aria-busy', 'true'); else main()?.removeAttribute('aria-busy');
  $('#veil')?.remove();
  if (!on || !path) return;
  const veil = document.createElement('div');
  veil.id = 'veil';
  veil.className = 'veil';
  veil.setAttribute('aria-hidden', 'true');
  veil.append(skeleton(path) ?? '');
  main()?.append(veil);
};

// -- going somewhere -------------------------------------------------------------------------------

const leave = (url) => {
  document.dispatchEvent(new Event('ui:leave'));
  location.assign(url);
};

// Shows a page that was read. No view transition: taking its two pictures takes longer than the page itself.
// `place` is where one was on it before; without it one starts at its head.
const show = async (text, { url, push, place, keep }) => {
  const mark = keep ? signature(document.activeElement) : place?.focus;
  const old = keep ? { tops: tops() } : place;
  if (push) {
    key = crypto.randomUUID();
    history.pushState({ htmx: true, key }, '', url);
  } else if (url.href !== location.href) history.replaceState({ htmx: true, key }, '', url);
  document.dispatchEvent(new Event('page:leave'));
  await htmx.swap({ text, target: '#main', select: '#main', swap: 'outerHTML settle:0', sourceElement: document.body, transition: false });
  dress();
  document.dispatchEvent(new Event('page:shown'));
  const anchor = url.hash && document.getElementById(decodeURIComponent(url.hash.slice(1)));
  if (anchor) anchor.scrollIntoView();
  scrollBack(old);
  const auto = !place && !keep && $('[autofocus]', main());
  const focus = find(mark) ?? (auto || null);
  if (focus) land(focus);
  if (!main().contains(document.activeElement)) main().focus({ preventScroll: true });
  if (!keep) say(document.title.split(' · ')[0]);
};

// Reads a page and shows it in place of this one. A visit that starts later ends the one before.
export const visit = async (address, options = {}) => {
  const { method = 'GET', body, form, push = true, place, keep = false, again = true } = options;
  const url = new URL(address, location.href);
  if (!boosts(url)) {
    leave(url);
    return;
  }
  running?.abort();
  const mine = new AbortController();
  running = mine;
  remember();
  const quick = !form && !keep;
  const timers = [setTimeout(() => busy(true), 150)];
  if (quick && url.pathname !== location.pathname) timers.push(setTimeout(() => busy(true, url.pathname), 300));
  const signal = body instanceof FormData ? mine.signal : AbortSignal.any([mine.signal, AbortSignal.timeout(30_000)]);
  const retry = () => visit(address, { ...options, body: form ? bodyOf(form, options.submitter) : body });
  try {
    const headers = { Accept: 'text/html', 'HX-Request': 'true', 'HX-Boosted': 'true', 'HX-Current-URL': location.href, 'X-Tab-Id': tab };
    if (method !== 'GET') headers['X-CSRFToken'] = token();
    const [response] = await Promise.all([fetch(url, { method, body, headers, signal }), dressed()]);
    if (response.status === 401 && again) {
      if (await signIn()) await visit(address, { ...options, again: false, body: form ? bodyOf(form, options.submitter) : body });
      return;
    }
    if (/attachment/.test(response.headers.get('Content-Disposition') ?? '') && method === 'GET') {
      mine.abort();
      leave(url);
      return;
    }
    const text = await response.text();
    if (mine.signal.aborted) return;
    if (response.status >= 500) {
      failure({ kind: 'server', form, id: response.headers.get('X-Request-ID'), retry, target: main() });
      return;
    }
    if (response.status >= 400 && response.headers.get('HX-Reswap') === 'none') {
      // A refusal that no form shows: it is told where something was typed, and the page stays.
      const items = JSON.parse(response.headers.get('HX-Trigger') ?? '{}').toast?.items ?? [];
      failure({ text: items.map((item) => item.text).join(' '), form, target: main() });
      return;
    }
    const final = new URL(response.url || url, location.href);
    final.hash = response.redirected ? '' : url.hash;
    const shell = /<main\b[^>]*\bdata-shell="([^"]*)"/.exec(text)?.[1];
    if (response.headers.has('HX-Redirect')) { follow(response); return; }
    if (shell !== main().dataset.shell) {
      // Not a page of ours, or the shell around it has changed (another language, role or release).
      follow(response);
      leave(method === 'GET' || response.redirected ? final : location.href);
      return;
    }
    const stays = final.pathname + final.search === location.pathname + location.search;
    timers.forEach(clearTimeout);
    busy(false);
    if (form && response.status < 400) form.dispatchEvent(new Event('form:sent', { bubbles: true }));
    await show(text, {
      url: method !== 'GET' && response.status >= 400 ? new URL(location.href) : final,
      push: push && !stays && (method === 'GET' || response.status < 400), place, keep: keep || (method !== 'GET' && stays),
    });
    follow(response);
    if (response.status === 422) $('[aria-invalid=true], [role=alert]', main())?.focus?.();
  } catch (error) {
    if (!mine.signal.aborted) failure({ kind: error.name === 'TimeoutError' ? 'slow' : 'network', form, retry, target: main() });
  } finally {
    timers.forEach(clearTimeout);
    if (running === mine) { running = null; busy(false); }
  }
};

const bodyOf = (form, submitter) => {
  const data = new FormData(form, submitter);
  if ((submitter?.getAttribute('formenctype') ?? form.enctype) === 'multipart/form-data') return data;
  return new URLSearchParams([...data].filter(([, value]) => typeof value === 'string'));
};

// -- what starts it --------------------------------------------------------------------------------

const plain = (event) => !event.defaultPrevented && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]');
  if (!link || !plain(event) || link.hasAttribute('download') || (link.target && link.target !== '_self') || link.closest('[data-whole]')) return;
  const url = new URL(link.href, location.href);
  if (!boosts(url) || (url.hash && url.pathname + url.search === location.pathname + location.search)) return;
  event.preventDefault();
  link.closest('[popover]')?.hidePopover();
  visit(url);
});

// Heard at the window, after every element that sends its forms by itself has said so.
window.addEventListener('submit', (event) => {
  const form = event.target;
  const { submitter } = event;
  if (event.defaultPrevented || form.closest('[data-whole]') || [...form.attributes].some((a) => a.name.startsWith('hx-'))) return;
  const method = (submitter?.getAttribute('formmethod') ?? form.getAttribute('method') ?? 'get').toUpperCase();
  const target = submitter?.getAttribute('formtarget') ?? form.target;
  const url = new URL(submitter?.getAttribute('formaction') ?? (form.getAttribute('action') || location.href), location.href);
  if (method === 'DIALOG' || (target && target !== '_self') || !boosts(url)) return;
  event.preventDefault();
  if (form.hasAttribute('data-sending')) return;
  const body = bodyOf(form, submitter);
  if (method === 'GET') {
    url.search = new URLSearchParams([...body].filter(([, value]) => value !== '')).toString();
    visit(url);
    return;
  }
  form.setAttribute('data-sending', '');
  submitter?.classList.add('htmx-request');
  visit(url, { method, body, form, submitter }).finally(() => {
    form.removeAttribute('data-sending');
    submitter?.classList.remove('htmx-request');
  });
});

document.addEventListener('ui:visit', (event) => {
  event.preventDefault();
  visit(event.detail.url, event.detail);
});

// A redirect that an htmx request is told leads on inside the application.
document.addEventListener('htmx:after:request', (event) => {
  const { ctx } = event.detail;
  const url = ctx.hx?.redirect && new URL(ctx.hx.redirect, location.href);
  if (!url || !boosts(url)) return;
  delete ctx.hx.redirect;
  ctx.swap = 'none';
  visit(url, url.pathname + url.search === location.pathname + location.search ? { push: false, keep: true } : {});
});

// Back and forward: htmx hears them and asks; the page is read again and shown where one had left it.
if (main()?.dataset.shell) history.replaceState({ ...history.state, htmx: true, key }, '');
document.addEventListener('htmx:before:history:restore', (event) => {
  if (!main()?.dataset.shell) return;
  event.preventDefault();
  remember();
  key = history.state?.key ?? crypto.randomUUID();
  visit(location.href, { push: false, place: places.get(key) ?? { tops: [] } });
});
