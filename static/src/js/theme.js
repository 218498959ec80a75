// Classic script in <head>: applies theme and density before the first paint, without an inline script.
// It uses the key and values of Django's admin (theme = light | dark | auto), so both stay in step. What the
// profile says wins; this browser remembers it for the pages before sign-in. So for the width of the side bar.
(() => {
  const root = document.documentElement;
  const kept = () => { try { return localStorage.getItem('theme'); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem('theme', theme); } catch { /* private mode */ } };

  window.setTheme = (theme) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme; else delete root.dataset.theme;
    keep(theme);
  };
  window.setTheme(root.dataset.themeSaved || kept() || 'auto');

  window.switchTheme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    window.setTheme(dark ? 'light' : 'dark');
    document.dispatchEvent(new CustomEvent('theme:changed', { detail: { theme: root.dataset.theme } }));
  };

  // The side bar is a rail on tablets, and wherever one has collapsed it.
  const narrow = matchMedia('(max-width: 1180px)');
  const railed = () => { try { return localStorage.getItem('rail') === '1'; } catch { return false; } };
  const setRail = (on) => {
    root.toggleAttribute('data-rail', on);
    document.dispatchEvent(new CustomEvent('rail:changed', { detail: { on } }));
  };
  window.switchRail = () => {
    const on = !root.hasAttribute('data-rail');
    if (!narrow.matches) try { localStorage.setItem('rail', on ? '1' : ''); } catch { /* private mode */ }
    setRail(on);
  };
  narrow.addEventListener('change', () => setRail(narrow.matches || railed()));
  setRail(narrow.matches || railed());

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-theme-toggle]')) window.switchTheme();
    if (event.target.closest('[data-rail-toggle]')) window.switchRail();
  });
})();
