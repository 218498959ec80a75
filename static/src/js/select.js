// <crm-select>: a select with search. With data-url the options come from the server, with data-create new ones
// may be typed. The plain <select> inside works without scripts.
import TomSelect from 'tom-select/base';
import removeButton from 'tom-select/dist/esm/plugins/remove_button/plugin.js';
import { $ } from './core.js';

TomSelect.define('remove_button', removeButton);

class Select extends HTMLElement {
  connectedCallback() {
    const select = $('select', this);
    if (!select || select.tomselect) return;
    const { url, create, hint, none, make } = this.dataset;
    const text = (className, words) => {
      const element = document.createElement('div');
      element.className = className;
      element.textContent = words;
      return element;
    };
    const option = (data) => {
      const element = document.createElement('div');
      if (data.hue) element.dataset.hue = data.hue;
      const label = document.createElement('span');
      label.textContent = data.text;
      element.append(label);
      if (data.subtitle) {
        const small = document.createElement('small');
        small.textContent = data.subtitle;
        element.append(small);
      }
      return element;
    };
    // A swap first gives an element with an id the attributes of the one before, which was hidden, and settles with its own.
    select.classList.remove('tomselected', 'ts-hidden-accessible');
    this.control = new TomSelect(select, {
      plugins: select.multiple ? ['remove_button'] : [],
      valueField: 'value',
      labelField: 'text',
      searchField: ['text', 'subtitle'],
      maxOptions: 200,
      refreshThrottle: 0,
      loadThrottle: 150,
      hidePlaceholder: true,
      placeholder: hint || select.getAttribute('placeholder') || '',
      allowEmptyOption: false,
      create: create !== undefined ? (input) => ({ value: input, text: input }) : false,
      createOnBlur: false,
      persist: false,
      selectOnTab: true,
      closeAfterSelect: true,
      preload: url ? 'focus' : false,
      shouldLoad: () => true,
      load: url ? (query, done) => this.load(url, query, done) : undefined,
      render: {
        option,
        item: option,
        no_results: () => text('no-results', none || ''),
        option_create: (data) => text('create', (make || '+ {name}').replace('{name}', () => data.input)),
        loading: () => null,
      },
    });
    const hide = () => { select.classList.add('tomselected', 'ts-hidden-accessible'); select.setAttribute('aria-hidden', 'true'); select.tabIndex = -1; };
    hide();
    document.addEventListener('htmx:after:settle', hide, { once: true });
    if (url) this.addEventListener('keydown', this, true);
    // A dialog that gives its first field the focus does not cover the others with a list: that opens with a key or a click.
    const open = this.control.open.bind(this.control);
    let quiet = this.closest('dialog') && !this.hasAttribute('autofocus');
    this.control.open = () => { if (!quiet) open(); };
    for (const type of ['keydown', 'pointerdown']) this.addEventListener(type, () => { quiet = false; }, { capture: true, once: true });
    if (this.hasAttribute('autofocus') || this.closest('crm-inline') || document.activeElement === select) this.control.focus();
  }

  disconnectedCallback() {
    this.control?.destroy();
  }

  // Whoever types faster than the server answers still gets what he typed: Enter waits for the options.
  handleEvent(event) {
    const { control } = this;
    const typed = control.inputValue();
    const found = control.activeOption && !control.activeOption.classList.contains('create');
    if (event.key !== 'Enter' || !typed || typed === this.loaded || found) { this.waiting = false; return; }
    event.preventDefault();
    event.stopPropagation();
    this.waiting = true;
  }

  async load(url, query, done) {
    try {
      const address = new URL(url, location.origin);
      address.searchParams.set('q', query);
      const response = await fetch(address, { headers: { Accept: 'application/json' } });
      if (!response.ok) throw new Error(response.statusText);
      const { options } = await response.json();
      if (query !== this.control.inputValue()) { done(); return; }
      this.control.clearOptions((o) => this.control.items.includes(String(o.value)));
      done(options);
      this.loaded = query;
      if (this.waiting) this.control.onOptionSelect(new Event('keydown'), this.control.activeOption);
      this.waiting = false;
    } catch {
      done();
    }
  }
}

customElements.define('crm-select', Select);
