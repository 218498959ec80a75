// <crm-presence data-topic="record:deal:…">: who else is here, and what they are editing.
//   <form data-editing="deal:…" …>  says so to the others while the focus is inside.
import { $$ } from './ui.js';
import { here } from './socket.js';

const hues = ['coral', 'apricot', 'amber', 'olive', 'green', 'teal', 'sky', 'blue', 'violet', 'pink'];
const hue = (id) => hues[[...id].reduce((sum, c) => sum + c.charCodeAt(0), 0) % hues.length];
const initials = (name) => {
  const parts = name.split(/\s+/).filter(Boolean);
  return ((parts[0]?.[0] ?? '?') + (parts.length > 1 ? parts.at(-1)[0] : '')).toUpperCase();
};

class Presence extends HTMLElement {
  connectedCallback() {
    for (const type of ['live', 'live:beat', 'focusin', 'focusout', 'htmx:after:swap']) document.addEventListener(type, this);
  }

  disconnectedCallback() {
    for (const type of ['live', 'live:beat', 'focusin', 'focusout', 'htmx:after:swap']) document.removeEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'live') {
      if (event.detail.topic === this.dataset.topic && event.detail.event === 'presence') this.draw(event.detail.data.people);
      return;
    }
    if (event.type === 'htmx:after:swap') { if (this.people?.length) this.outline(); return; }
    const editing = event.type === 'focusout' ? '' : document.activeElement?.closest?.('[data-editing]')?.dataset.editing ?? '';
    if (event.type === 'live:beat' || editing !== this.told) {
      this.told = editing;
      here(this.dataset.topic, editing);
    }
  }

  draw(people) {
    const list = document.createElement('span');
    list.className = 'avs';
    list.setAttribute('role', 'img');
    list.setAttribute('aria-label', `${this.dataset.word ?? ''} ${people.map((p) => p.name).join(', ')}`.trim());
    list.append(...people.slice(0, 5).map((person) => {
      const face = document.createElement('span');
      face.className = 'av';
      face.dataset.hue = hue(person.id);
      face.title = person.name;
      face.textContent = initials(person.name);
      return face;
    }));
    this.replaceChildren(...(people.length ? [list] : []));
    this.people = people;
    this.outline();
  }

  outline() {
    for (const el of $$('[data-remote]')) { el.removeAttribute('data-remote'); el.querySelector(':scope > .deal-by')?.remove(); }
    for (const person of this.people.filter((p) => p.editing)) {
      for (const el of $$(`[data-edited="${CSS.escape(person.editing)}"]`)) {
        el.dataset.remote = '';
        el.dataset.hue = hue(person.id);
        const by = document.createElement('span');
        by.className = 'deal-by';
        by.textContent = el.matches('.fld') ? initials(person.name) : person.name;
        by.title = person.name;
        el.prepend(by);
      }
    }
  }
}

customElements.define('crm-presence', Presence);
