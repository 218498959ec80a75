// The whole front-end build: Tailwind for the style sheet, esbuild for the modules, images and the fonts of other scripts copied.
//   node build.mjs           once, minified
//   node build.mjs --watch   again on every change
// `manage.py build_ui` runs it (with the Node of the wheel where there is none) after writing tokens and icons.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, watch as follow, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { optimize } from '@tailwindcss/node';
import { build, context } from 'esbuild';

const require = createRequire(import.meta.url);
const watch = process.argv.includes('--watch');
const source = 'static/src';
const out = 'static/dist';
rmSync(`${out}/chunks`, { recursive: true, force: true });
mkdirSync(`${out}/fonts`, { recursive: true });

const inter = path.join(path.dirname(require.resolve('@fontsource-variable/inter/package.json')), 'files');
for (const subset of ['latin-ext', 'cyrillic', 'greek', 'vietnamese'])
  cpSync(`${inter}/inter-${subset}-wght-normal.woff2`, `${out}/fonts/inter-${subset}.woff2`);
cpSync(`${source}/images`, out, { recursive: true });

// The sheets of the rooms; crm/ui/sheets.py links them in this order behind app.css.
const rooms = {
  lists: ['table', 'cells'],
  board: ['board'],
  record: ['record'],
  home: ['home', 'charts'],
  rooms: ['palette', 'tabs', 'tasks', 'select', 'rooms', 'merging', 'settings', 'transfer'],
};
const sheets = () => {
  for (const [room, files] of Object.entries(rooms)) {
    const css = files.map((file) => readFileSync(`${source}/css/${file}.css`, 'utf8')).join('\n');
    writeFileSync(`${out}/${room}.css`, optimize(`@layer components {\n${css}\n}`, { minify: !watch }).code);
  }
};

const tailwind = ['node_modules/@tailwindcss/cli/dist/index.mjs', '-i', `${source}/css/app.css`, '-o', `${out}/app.css`];
const modules = {
  entryPoints: { app: `${source}/js/app.js`, theme: `${source}/js/theme.js` },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  chunkNames: 'chunks/[name]-[hash]',
  minify: !watch,
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
};
if (watch) {
  sheets();
  follow(`${source}/css`, sheets);
  spawn(process.execPath, [...tailwind, '--watch=always'], { stdio: 'inherit' });
  await (await context(modules)).watch();
} else {
  const css = spawnSync(process.execPath, [...tailwind, '--minify'], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (css.status) {
    process.stderr.write(css.stderr);
    process.exit(css.status);
  }
  sheets();
  await build(modules);
  await build({ entryPoints: { admin: `${source}/css/admin.css`, guide: `${source}/css/guide.css` }, outdir: out, bundle: true, minify: true, external: ['*.woff2'] });
}
