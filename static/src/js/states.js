// <crm-states>: shows states that only a pointer or a key makes. Every rule of our style sheet that speaks of :hover,
// :focus-visible or :active is repeated for what is marked data-force="hover" (focus, active).
import { $$ } from './core.js';

const forced = { ':hover': 'hover', ':focus-visible': 'focus', ':active': 'active' };
const states = /:(hover|focus-visible|active)\b/g;

const repeated = (rules) => [...rules].map((rule) => {
  if (rule.selectorText && rule.selectorText.match(states)) {
    return `${rule.selectorText.replace(states, (found) => `[data-force~='${forced[found]}']`)} { ${rule.style.cssText} }`;
  }
  if (rule instanceof CSSLayerBlockRule || rule instanceof CSSMediaRule) {
    const inner = repeated(rule.cssRules);
    const name = rule instanceof CSSMediaRule ? `@media ${rule.conditionText}` : `@layer ${rule.name}`;
    return inner.trim() ? `${name} { ${inner} }` : '';
  }
  return '';
}).join('\n');

class States extends HTMLElement {
  connectedCallback() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync([...document.styleSheets].filter((s) => s.href?.startsWith(location.origin)).map((s) => repeated(s.cssRules)).join('\n'));
    this.sheet = sheet;
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    for (const box of $$('[data-mixed]', this)) box.indeterminate = true;
    document.addEventListener('click', this);
  }

  disconnectedCallback() {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== this.sheet);
    document.removeEventListener('click', this);
    delete document.documentElement.dataset.theme;
  }

  handleEvent(event) {
    const theme = event.target.closest('[data-guide-theme]')?.dataset.guideTheme;
    if (theme) document.documentElement.dataset.theme = theme;
    else if (this.contains(event.target) && event.target.closest('a[href="#"]')) event.preventDefault();
  }
}

customElements.define('crm-states', States);
