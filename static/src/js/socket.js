// The one socket of the page. It hears hints ("this record changed"), never data: elements then ask for their
// fragment over HTTP, where rights are enforced.
//   <main data-topics="record:deal:…">     topics of the page
//   <div data-live="list:deal" hx-get hx-trigger="live">   asked again when its topic speaks
//   <p data-dirty="list:deal" hidden>      a quiet bar that appears instead
import { $$, tab } from './ui.js';
import { waiting } from './live.js';
import htmx from './htmx.js';

const BEAT = 15_000;
const timers = new Map();
let socket;
let last;
let tries = 0;
let down;

const signedIn = () => Boolean(document.body.dataset.user);
const words = (text) => (text || '').split(/\s+/).filter(Boolean);

export const topics = () => {
  const found = new Set(words(document.getElementById('main')?.dataset.topics));
  if (signedIn()) found.add(`user:${document.body.dataset.user}`);
  for (const el of $$('[data-live], [data-dirty], [data-topic]')) {
    for (const name of words(`${el.dataset.live ?? ''} ${el.dataset.dirty ?? ''} ${el.dataset.topic ?? ''}`)) found.add(name);
  }
  return [...found].slice(0, 20);
};

const send = (message) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
};

// What is shown holds everything up to when the server drew it; after a gap one goes on behind what was heard last.
const drawn = () => Number(document.getElementById('main')?.dataset.since ?? 0) * 1000;
let ahead = drawn() - performance.now();
document.addEventListener('page:shown', () => { ahead = drawn() - performance.now(); });

let heard = '';
const listen = (from) => {
  const wanted = topics();
  heard = wanted.join(' ');
  send({ do: 'listen', topics: wanted, ...(from ? { last: from } : {}) });
  document.dispatchEvent(new CustomEvent('live:listening'));
};
// After a swap, only when something else is shown than before.
let settling;
const relisten = () => {
  clearTimeout(settling);
  settling = setTimeout(() => { if (topics().join(' ') !== heard) listen(drawn() && `${drawn()}-0`); }, 50);
};

export const here = (topic, editing = '') => send({ do: 'here', topic, editing });

const draw = () => {
  const on = document.documentElement.dataset.socket !== 'off';
  for (const el of $$('[data-live-state]')) el.lastElementChild.textContent = on ? el.dataset.on : el.dataset.off;
};
const state = (name) => { document.documentElement.dataset.socket = name; draw(); };

// Many events in one breath make one request.
const soon = (el, event, detail) => {
  clearTimeout(timers.get(el));
  timers.set(el, setTimeout(() => { timers.delete(el); if (el.isConnected) htmx.trigger(el, event, detail); }, 120));
};

// What this tab did itself it has drawn already: `own` lets a listener take only what the server worked out.
const deliver = async (message) => {
  if (message.id) last = message.id;
  if (message.event !== 'presence') await waiting();
  const own = Boolean(message.tab) && message.tab === tab;
  document.dispatchEvent(new CustomEvent('live', { detail: { ...message, own } }));
  if (['presence', 'access.lost'].includes(message.event)) return;
  for (const el of $$('[data-live]')) {
    const heard = words(el.dataset.live).includes(message.topic) && (!el.dataset.events || words(el.dataset.events).includes(message.event));
    if (heard) soon(el, 'live', message);
  }
  for (const el of $$('[data-dirty]')) {
    if (own || !words(el.dataset.dirty).includes(message.topic)) continue;
    el.hidden = false;
    el.dispatchEvent(new CustomEvent('dirty', { bubbles: true, detail: message }));
  }
};

const connect = () => {
  if (!signedIn() || document.hidden || (socket && socket.readyState < WebSocket.CLOSING)) return;
  const made = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/`);
  socket = made;
  made.addEventListener('open', () => { clearTimeout(down); down = undefined; state('on'); listen(last ?? (drawn() && `${drawn()}-0`)); });
  made.addEventListener('message', (event) => { tries = 0; deliver(JSON.parse(event.data)); });
  made.addEventListener('close', (event) => {
    if (socket !== made) return;
    // A line that is dead is noticed within a minute; what came before was heard.
    const sure = Math.floor(ahead + performance.now()) - 60_000;
    if (document.documentElement.dataset.socket === 'on' && drawn() && sure > parseInt(last ?? drawn(), 10)) last = `${sure}-0`;
    down ??= setTimeout(() => state('off'), 3000);
    // 4401: signed out. 1008, 1009: we said something wrong. Trying again would not help.
    if ([4401, 1008, 1009].includes(event.code)) return;
    tries += 1;
    // Spread over seconds from the first try on: a server that starts anew is not stormed by everybody at once.
    setTimeout(connect, 300 + Math.random() * Math.min(30_000, 2_500 * 2 ** (tries - 1)));
  });
};

document.addEventListener('visibilitychange', connect);
window.addEventListener('online', connect);
for (const type of ['htmx:after:swap', 'close', 'ui:peek:closed']) document.addEventListener(type, () => { relisten(); draw(); }, true);
document.addEventListener('session:back', connect);
setInterval(() => document.dispatchEvent(new CustomEvent('live:beat')), BEAT);
connect();
