// What the page and the parts that are read later share. They take it from here, so that it is one file: the bundler
// makes one for every set of users.
export { default as htmx } from './htmx.js';
export { hold, resume } from './live.js';
export { go } from './lists.js';
export { dressed, sorting } from './person.js';
export { here } from './socket.js';
export * from './ui.js';
