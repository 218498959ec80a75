// <crm-upload>: files dropped here (or chosen) are sent by the form inside.
import { $ } from './ui.js';

class Upload extends HTMLElement {
  connectedCallback() {
    for (const type of ['dragover', 'dragleave', 'drop', 'change']) this.addEventListener(type, this);
  }

  handleEvent(event) {
    if (event.type === 'dragover') { event.preventDefault(); this.toggleAttribute('data-over', true); return; }
    this.removeAttribute('data-over');
    const input = $('input[type=file]', this);
    if (event.type === 'drop') {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
    } else if (event.type !== 'change' || event.target !== input) return;
    if (input.files.length && !this.hasAttribute('data-wait')) $('form', this).requestSubmit();
  }
}

customElements.define('crm-upload', Upload);
