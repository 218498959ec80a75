// Classic script in <head>: applies theme and density before the first paint, without an inline script.
// It uses the key and values of Django's admin (theme = light | dark | auto), so both stay in step.
(() => {
  const root = document.documentElement;
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } };
  let theme = null;
  try { theme = localStorage.getItem('theme'); } catch { /* private mode */ }
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  else if (theme === 'auto' && !('themeSaved' in root.dataset)) delete root.dataset.theme;

  window.switchTheme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    keep('theme', root.dataset.theme);
    document.dispatchEvent(new CustomEvent('theme:changed', { detail: { theme: root.dataset.theme } }));
  };
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-theme-toggle]')) window.switchTheme();
  });
})();
