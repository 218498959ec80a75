// <crm-presence data-topic="record:deal:…">: who else is here, and what they are editing.
//   <form data-editing="field:value" …>  says so to the others while the focus is inside; with data-topic="record:deal:…"
//   about that record, else about what the page is about.
import { $$, here, hue, initials } from './core.js';

// What this page edits is told when the focus moves, and again with every beat.
let told = { topic: '', editing: '' };
const tell = (beat) => {
  const pages = $$('crm-presence').map((el) => el.dataset.topic);
  const form = document.activeElement?.closest?.('[data-editing]');
  const now = { topic: form?.dataset.topic || (form ? pages[0] : '') || '', editing: form?.dataset.editing ?? '' };
  const same = now.topic === told.topic && now.editing === told.editing;
  if (told.topic && told.topic !== now.topic) here(told.topic);
  if (now.topic && (beat || !same)) here(now.topic, now.editing);
  if (beat) pages.filter((topic) => topic !== now.topic).forEach((topic) => here(topic));
  told = now;
};
for (const type of ['focusin', 'focusout', 'htmx:after:swap']) document.addEventListener(type, () => setTimeout(tell, 80));
document.addEventListener('live:beat', () => tell(true));
document.addEventListener('live:listening', () => tell(true));

class Presence extends HTMLElement {
  connectedCallback() {
    this.people = [];
    for (const type of ['live', 'htmx:after:swap', 'board:drawn']) document.addEventListener(type, this);
  }

  disconnectedCallback() {
    for (const type of ['live', 'htmx:after:swap', 'board:drawn']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type !== 'live') this.outline();
    else if (event.detail.topic === this.dataset.topic && event.detail.event === 'presence') this.draw(event.detail.data.people);
  }

  // Who edits here from somewhere else is not here, and yet marked where it is edited.
  draw(people) {
    const present = people.filter((p) => !p.away);
    const list = document.createElement('span');
    list.className = 'avs';
    list.setAttribute('role', 'img');
    list.setAttribute('aria-label', `${this.dataset.word ?? ''} ${present.map((p) => p.name).join(', ')}`.trim());
    const most = 4;
    list.append(...present.slice(0, present.length > most ? most - 1 : most).map((person) => {
      const face = document.createElement('span');
      face.className = 'av';
      face.dataset.hue = hue(person.id);
      face.title = person.name;
      face.textContent = initials(person.name);
      return face;
    }));
    if (present.length > most) {
      const more = document.createElement('span');
      more.className = 'av';
      more.dataset.hue = 'slate';
      more.title = present.slice(most - 1).map((p) => p.name).join(', ');
      more.textContent = `+${present.length - most + 1}`;
      list.append(more);
    }
    this.replaceChildren(...(present.length ? [list] : []));
    this.people = people;
    this.outline();
  }

  outline() {
    for (const el of $$('[data-remote]')) { el.removeAttribute('data-remote'); el.querySelector(':scope > .deal-by[data-editor]')?.remove(); }
    for (const person of this.people.filter((p) => p.editing)) {
      for (const el of $$(`[data-edited="${CSS.escape(person.editing)}"]`)) {
        el.dataset.remote = '';
        el.dataset.hue = hue(person.id);
        const by = document.createElement('span');
        by.className = 'deal-by';
        by.dataset.editor = '';
        by.title = (this.dataset.editingWord ?? '*').replace('*', person.name);
        by.textContent = el.matches('.fld') ? initials(person.name) : by.title;
        el.prepend(by);
      }
    }
  }
}

customElements.define('crm-presence', Presence);
