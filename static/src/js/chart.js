// <crm-chart>: says the figure under the pointer or the focus.
class Chart extends HTMLElement {
  connectedCallback() {
    this.tip = document.createElement('output');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.append(this.tip);
    for (const type of ['pointermove', 'pointerleave', 'focusin', 'focusout']) this.addEventListener(type, this);
  }

  handleEvent(event) {
    const marked = event.target.closest?.('[data-tip]');
    if (!marked || event.type === 'pointerleave' || event.type === 'focusout') { this.tip.hidden = true; return; }
    this.tip.textContent = marked.dataset.tip;
    this.tip.hidden = false;
    const frame = this.getBoundingClientRect();
    const box = marked.getBoundingClientRect();
    const x = Math.min(Math.max(box.left + box.width / 2 - frame.left, 70), frame.width - 70);
    this.tip.style.setProperty('--x', `${x}px`);
    this.tip.style.setProperty('--y', `${Math.max(box.top - frame.top - 8, 12)}px`);
  }
}

customElements.define('crm-chart', Chart);
