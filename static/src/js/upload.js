// <crm-upload>: files dropped here (or chosen) are sent by the form inside. With `data-progress` each is sent by itself
// and shows how far it is; with `data-wait` nothing is sent before the form's button.
import { $, follow, say, tab, toast, token } from './core.js';

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
    if (!input.files.length || this.hasAttribute('data-wait')) return;
    if (this.hasAttribute('data-progress')) this.sendAll([...input.files], input); else $('form', this).requestSubmit();
  }

  async sendAll(files, input) {
    const form = $('form', this);
    for (const file of files.slice(0, 20)) await this.send(form.action, input.name, file);
    input.value = '';
  }

  // fetch tells nothing about what has been sent so far; XMLHttpRequest does.
  send(url, name, file) {
    const line = document.createElement('div');
    line.className = 'upload-line';
    const label = Object.assign(document.createElement('span'), { textContent: file.name });
    const bar = Object.assign(document.createElement('progress'), { max: 100, value: 0 });
    bar.setAttribute('aria-label', file.name);
    const stop = Object.assign(document.createElement('button'), { type: 'button', className: 'btn btn-ghost btn-sm', textContent: '×' });
    stop.setAttribute('aria-label', `${this.dataset.stop ?? ''} ${file.name}`.trim());
    line.append(label, bar, stop);
    this.append(line);
    const body = new FormData();
    body.append(name, file);
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [key, value] of Object.entries({ 'X-CSRFToken': token(), 'X-Tab-Id': tab, 'HX-Request': 'true', 'HX-Current-URL': location.href })) request.setRequestHeader(key, value);
    request.upload.addEventListener('progress', (event) => { if (event.lengthComputable) bar.value = 100 * event.loaded / event.total; });
    stop.addEventListener('click', () => request.abort());
    return new Promise((resolve) => {
      request.addEventListener('loadend', () => {
        line.remove();
        if (request.status) follow({ headers: { get: (key) => request.getResponseHeader(key), has: (key) => request.getResponseHeader(key) !== null } });
        if (!request.status && request.readyState === 4) toast({ text: `${file.name}: ${this.dataset.failed ?? ''}`, level: 'error' });
        if (request.status >= 200 && request.status < 300) say(`${file.name} ${this.dataset.done ?? ''}`);
        resolve();
      });
      request.send(body);
    });
  }
}

customElements.define('crm-upload', Upload);
