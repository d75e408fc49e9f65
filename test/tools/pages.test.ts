/** Pages as the build makes them and as sources get them without a build. */
import { readdirSync } from 'node:fs';
import { build, buildSync } from 'esbuild';
import t from 'tap';
import {
  PAGE_PREFIX,
  importsPages,
  pageModule,
  pageOptions,
  type PageMetafiles,
} from '../../build-pages.mjs';

const PAGES = readdirSync('web', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
  .map(({ name }) => name);

interface Page {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

for (const name of PAGES)
  t.test(`the page ${name}`, async (t) => {
    const page = (await import(`${PAGE_PREFIX}${name}`)) as Page;

    await t.test('keeps its own policy: nothing in line, nothing from elsewhere', async (t) => {
      const { html, script, style } = page;
      t.match(html, /^<!doctype html>\n<html lang="en">/);
      t.notMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
      const links = [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link);
      for (const link of links) t.match(link, /^(?:[/?][a-z.-]+|data:image\/svg\+xml,.*)$/, link);
      t.notMatch(style, /@import|url\((?!["']?data:)/);
      t.notMatch(script, /\beval\(|new Function\b/);
    });

    await t.test('is a part of a bundle, and what it is made of is known', async (t) => {
      const metafiles: PageMetafiles = new Map();
      const { outputFiles } = await build({
        stdin: { contents: `export const page = import('${PAGE_PREFIX}${name}');` },
        bundle: true,
        format: 'esm',
        splitting: true,
        outdir: 'none',
        write: false,
        plugins: [importsPages(metafiles)],
      });
      t.equal(outputFiles.length, 2, 'a file of its own');
      const text = outputFiles.map((file) => file.text).join('');
      t.notMatch(text, /[^\0-\x7f]/, 'ASCII');
      const inputs = Object.keys(metafiles.get(name)?.inputs ?? {});
      t.ok(inputs.includes(`web/${name}/main.tsx`) && inputs.includes('web/shared/tokens.css'));
      t.ok(inputs.some((input) => input.startsWith('node_modules/preact/')));
      const again = pageModule(name, buildSync(pageOptions(name)));
      for (const literal of Object.values(page) as string[])
        t.ok(again.includes(JSON.stringify(literal)), 'the same in each way');
    });
  });

t.test('there are pages', async (t) => {
  t.ok(PAGES.includes('inspect'));
});

t.test('a page without styles is refused', async (t) => {
  const script = { path: 'main.js', text: '', contents: new Uint8Array(), hash: '' };
  t.throws(() => pageModule('inspect', { outputFiles: [script] }), /the page inspect has no \.css/);
});
