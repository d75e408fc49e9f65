/**
 * Adds what the image holds beside the program to its bill of materials: this Node, what Node itself is made of, and
 * packages of Debian. Runs in the Dockerfile: `node image-sbom.mjs SBOM PACKAGES`, with one package a line.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { bomText } from '../../build-sbom.mjs';

/** @typedef {import('../../build-sbom.mjs').Component} Component */

/** What `process.versions` has beside libraries: Node itself, interfaces, and data. */
const NO_LIBRARIES = ['node', 'modules', 'napi', 'unicode', 'cldr', 'tz'];

const [sbomFile = '', packagesFile = ''] = process.argv.slice(2);
/** @type {unknown} */
const given = JSON.parse(readFileSync(sbomFile, 'utf8'));
const { metadata, components } = /** @type {import('../../build-sbom.mjs').Bom} */ (given);
const system = systemRelease();
const packages = readFileSync(packagesFile, 'utf8').trim().split('\n');
process.stdout.write(
  bomText(metadata.component, [...components, node(), system, ...packages.map(debian)]),
);

/** @returns {Component} */
function node() {
  const { node: version } = process.versions;
  const libraries = Object.entries(process.versions)
    .filter(([name, its]) => its !== undefined && !NO_LIBRARIES.includes(name))
    .map(([name, its]) => generic('library', name, String(its)));
  return {
    ...generic('platform', 'node', version),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: [{ license: { name: 'see /usr/share/doc/node/LICENSE' } }],
    components: libraries,
  };
}

/**
 * @param {Component['type']} type
 * @param {string} name
 * @param {string} version
 * @returns {Component}
 */
function generic(type, name, version) {
  const purl = `pkg:generic/${name}@${encodeURIComponent(version)}`;
  return { type, 'bom-ref': purl, name, version, purl };
}

/** @returns {Component} */
function systemRelease() {
  const text = readFileSync('/etc/os-release', 'utf8');
  const [, name = ''] = /^ID=(.*)$/m.exec(text) ?? [];
  const [, version = ''] = /^VERSION_ID="(.*)"$/m.exec(text) ?? [];
  return { type: 'operating-system', 'bom-ref': `${name}-${version}`, name, version };
}

/** @param {string} line name, version, architecture and source, with tabs between them @returns {Component} */
function debian(line) {
  const [name = '', version = '', arch = '', source = ''] = line.split('\t');
  const qualifiers = `arch=${arch}&distro=${system['bom-ref']}&upstream=${encodeURIComponent(source)}`;
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers}`;
  const licenses = [{ license: { name: `see /usr/share/doc/${name}/copyright` } }];
  return { type: 'library', 'bom-ref': purl, name, version, licenses, purl };
}
