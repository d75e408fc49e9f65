/**
 * A software bill of materials as CycloneDX 1.6 (ECMA-424), of what a build has really put into its files. The same input
 * makes the same text.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

/**
 * @typedef {{
 *   type: 'application' | 'library' | 'operating-system' | 'platform',
 *   'bom-ref': string,
 *   name: string,
 *   group?: string,
 *   version: string,
 *   purl?: string,
 *   cpe?: string,
 *   licenses?: readonly object[],
 *   hashes?: readonly object[],
 *   components?: readonly Component[],
 * }} Component
 * @typedef {{ metadata: { component: Component }, components: readonly Component[] }} Bom
 */

/**
 * @param {Component} subject what it is the bill of
 * @param {readonly Component[]} components what that consists of
 */
export function bomText(subject, components) {
  const content = {
    metadata: { component: subject },
    components,
    dependencies: [
      { ref: subject['bom-ref'], dependsOn: components.map((component) => component['bom-ref']) },
    ],
  };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(hash)}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/**
 * @param {{ name: string, version: string, license?: string }} manifest of a package of npm
 * @param {string} [integrity] of the package's archive, as package-lock.json has it
 * @param {Component['type']} [type]
 * @returns {Component}
 */
export function npmComponent({ name, version, license }, integrity, type = 'library') {
  const [, group, own = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const isId = license !== undefined && /^[\w.+-]+$/.test(license);
  return {
    type,
    'bom-ref': purl,
    ...(group !== undefined && { group }),
    name: own,
    version,
    ...(integrity !== undefined && { hashes: [hashOf(integrity)] }),
    ...(license !== undefined && {
      licenses: [isId ? { license: { id: license } } : { expression: license }],
    }),
    purl,
  };
}

/** @param {string} integrity `sha512-` and Base64 */
function hashOf(integrity) {
  const [name = '', value = ''] = integrity.split('-');
  const alg = name.toUpperCase().replace('SHA', 'SHA-');
  return { alg, content: Buffer.from(value, 'base64').toString('hex') };
}

/** @param {string} hash in hex @returns one that says that it is made of a hash (RFC 9562 §5.8) */
function uuidOf(hash) {
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`];
  return [...parts, `8${hash.slice(17, 20)}`, hash.slice(20, 32)].join('-');
}
