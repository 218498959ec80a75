// The one socket of the page. It hears hints ("this record changed"), never data: elements then ask for their
// fragment over HTTP, where rights are enforced.
//   <main data-topics="record:deal:…">     topics of the page
//   <div data-live="list:deal" hx-get hx-trigger="live">   asked again when its topic speaks
//   <p data-dirty="list:deal" hidden>      a quiet bar that appears instead
import { $$ } from './ui.js';
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

let heard = '';
const listen = () => {
  const wanted = topics();
  heard = wanted.join(' ');
  send({ do: 'listen', topics: wanted, ...(last ? { last } : {}) });
};
// After a swap, only when something else is shown than before.
let settling;
const relisten = () => {
  clearTimeout(settling);
  settling = setTimeout(() => { if (topics().join(' ') !== heard) listen(); }, 50);
};

export const here = (topic, editing = '') => send({ do: 'here', topic, editing });

const state = (name) => { document.documentElement.dataset.socket = name; };

// Many events in one breath make one request.
const soon = (el, event, detail) => {
  clearTimeout(timers.get(el));
  timers.set(el, setTimeout(() => { timers.delete(el); if (el.isConnected) htmx.trigger(el, event, detail); }, 120));
};

const deliver = async (message) => {
  if (message.id) last = message.id;
  await waiting();
  document.dispatchEvent(new CustomEvent('live', { detail: message }));
  if (message.event === 'presence') return;
  for (const el of $$('[data-live]')) if (words(el.dataset.live).includes(message.topic)) soon(el, 'live', message);
  for (const el of $$('[data-dirty]')) {
    if (words(el.dataset.dirty).includes(message.topic)) el.hidden = false;
  }
};

const connect = () => {
  if (!signedIn() || document.hidden || (socket && socket.readyState < WebSocket.CLOSING)) return;
  const made = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/`);
  socket = made;
  made.addEventListener('open', () => { tries = 0; clearTimeout(down); state('on'); listen(); });
  made.addEventListener('message', (event) => { deliver(JSON.parse(event.data)); });
  made.addEventListener('close', (event) => {
    if (socket !== made) return;
    clearTimeout(down);
    down = setTimeout(() => state('off'), 3000);
    // 4401: signed out. 1008, 1009: we said something wrong. Trying again would not help.
    if ([4401, 1008, 1009].includes(event.code)) return;
    tries += 1;
    setTimeout(connect, Math.min(30_000, 500 * 2 ** tries) * (0.5 + Math.random() / 2));
  });
};

document.addEventListener('visibilitychange', connect);
window.addEventListener('online', connect);
document.addEventListener('htmx:after:swap', relisten);
document.addEventListener('session:back', connect);
setInterval(() => document.dispatchEvent(new CustomEvent('live:beat')), BEAT);
connect();
