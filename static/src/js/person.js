// What waits for the first sign of a person. A page links the style sheets of its own room; those of the other rooms
// stand in the head switched off, and nothing that was asked for is shown before they are there.
import { $$ } from './dom.js';

export const person = new Promise((resolve) => {
  for (const type of ['pointermove', 'pointerdown', 'keydown', 'click']) document.addEventListener(type, resolve, { capture: true, once: true, passive: true });
});

const read = (link) => new Promise((done) => {
  link.addEventListener('load', () => done(true), { once: true });
  link.addEventListener('error', () => { link.disabled = true; done(false); }, { once: true });
  link.disabled = false;
});
let reading;

// Resolves when every room is dressed; what could not be read is tried again the next time.
export const dressed = () => {
  reading ??= Promise.all($$('link[rel=stylesheet][disabled]').map(read)).then((all) => { if (!all.every(Boolean)) reading = null; });
  return reading;
};
person.then(dressed);

// The parts that a page reads by itself do not wait; what somebody asked for does.
document.addEventListener('htmx:config:request', (event) => {
  const { ctx } = event.detail;
  if (reading) ctx.fetch ??= async (...request) => (await Promise.all([fetch(...request), reading]))[0];
});

// The library that drags things.
let library;
export const sorting = () => {
  library ??= person.then(() => import('./sortable.js')).then((module) => module.default);
  return library;
};
