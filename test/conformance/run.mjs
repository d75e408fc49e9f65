/**
 * `npm run conformance`: the Autobahn suite's fuzzing client against twist, or against any server, and
 * its verdicts against the committed ones. README.md beside this file says how it works.
 */
import console from 'node:console';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { findWstest } from './autobahn.mjs';
import { makeCertificates } from './certificates.mjs';
import { compare, format, only } from './compare.mjs';
import { ConformanceError } from './failure.mjs';
import { parseJson } from './json.mjs';
import { startProxy, startTwist } from './server.mjs';
import { runSuite } from './suite.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const EXPECTED_FILE = path.join(import.meta.dirname, 'expected.json');
/** The cases that hold through the proxy by design; README.md says why the others do not. */
const EXPECTED_PROXY_FILES = {
  binary: path.join(import.meta.dirname, 'expected-proxy.json'),
  text: path.join(import.meta.dirname, 'expected-proxy-text.json'),
};

const USAGE = `Usage: npm run conformance [-- OPTIONS]

  --cases LIST    only these cases: numbers and patterns, as in 1.*,6.4.1
  --exclude LIST  not these cases
  --proxy KIND    test twist as a proxy in front of a TCP echo that sends binary or text messages
                  back: the cases of expected-proxy.json or expected-proxy-text.json
  --tls           over TLS, with a certificate authority made for the run
  --no-wasm       twist without WebAssembly
  --url URL       test the server at this URL instead of twist
  --out DIR       where the HTML report goes (default: reports/conformance)
  --keep          keep the pages of earlier runs in DIR
  --update        write the verdicts of this run to expected.json
  --docker        run the suite from its Docker image
  --help          show this text
`;

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ConformanceError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main() {
  const options = readOptions();
  if (options === null) return 2;
  if (options.isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  const expectedFile =
    options.proxy === undefined ? EXPECTED_FILE : EXPECTED_PROXY_FILES[options.proxy];
  const committed = /** @type {import('./compare.mjs').Verdicts} */ (
    parseJson(await readFile(expectedFile, 'utf8'))
  );
  const isByList = options.proxy !== undefined && !options.isPartial;
  const run = await runOn(isByList ? { ...options, cases: Object.keys(committed) } : options);
  const expected = options.isPartial ? only(committed, run.cases) : committed;
  if (options.isUpdate) {
    const kept = options.isPartial ? committed : {};
    await writeFile(expectedFile, format({ ...kept, ...run.verdicts }));
    console.log(
      `${path.basename(expectedFile)} holds the verdicts of this run now: read the change before you commit it`,
    );
    return 0;
  }
  const { passed, failed, differences } = compare(expected, run.verdicts);
  for (const difference of differences) await report(difference, options.outDirectory);
  console.log(`report: ${path.relative('', path.join(options.outDirectory, 'index.html'))}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/**
 * @typedef {object} Options
 * @property {readonly string[]} cases
 * @property {readonly string[]} excluded
 * @property {boolean} isPartial whether this is a part of the suite by the user's wish
 * @property {'binary' | 'text' | undefined} proxy
 * @property {boolean} isTls
 * @property {boolean} hasWasm
 * @property {string | undefined} url
 * @property {string} outDirectory
 * @property {boolean} isKeep
 * @property {boolean} isUpdate
 * @property {boolean} isDocker
 * @property {boolean} isHelp
 */

/** @returns {Options | null} null after wrong usage, which has been told */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        cases: { type: 'string', multiple: true },
        exclude: { type: 'string', multiple: true },
        proxy: { type: 'string' },
        tls: { type: 'boolean', default: false },
        'no-wasm': { type: 'boolean', default: false },
        url: { type: 'string' },
        out: { type: 'string', default: 'reports/conformance' },
        keep: { type: 'boolean', default: false },
        update: { type: 'boolean', default: false },
        docker: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const { url, update } = values;
    const proxy = readProxy(values.proxy);
    checkServer(url, proxy, update, values);
    const cases = values.cases?.flatMap((list) => list.split(','));
    const excluded = values.exclude?.flatMap((list) => list.split(','));
    return {
      cases: cases ?? ['*'],
      excluded: excluded ?? [],
      isPartial: cases !== undefined || excluded !== undefined,
      proxy,
      isTls: values.tls,
      hasWasm: !values['no-wasm'],
      url,
      outDirectory: path.resolve(values.out),
      isKeep: values.keep,
      isUpdate: update,
      isDocker: values.docker,
      isHelp: values.help,
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return null;
  }
}

/**
 * @param {string | undefined} text
 * @returns {'binary' | 'text' | undefined}
 * @throws {TypeError} for any other text
 */
function readProxy(text) {
  if (text === undefined || text === 'binary' || text === 'text') return text;
  throw new TypeError(`--proxy is ${text}, it must be binary or text`);
}

/**
 * @param {string | undefined} url
 * @param {string | undefined} proxy
 * @param {boolean} isUpdate
 * @param {{ tls: boolean, 'no-wasm': boolean }} flags
 * @throws {TypeError} for options that do not go together
 */
function checkServer(url, proxy, isUpdate, flags) {
  if (url === undefined) return;
  if (!/^wss?:\/\//.test(url))
    throw new TypeError(`--url is ${url}, it must begin with ws:// or wss://`);
  if (isUpdate)
    throw new TypeError('--update writes what twist is held to, and cannot go with --url');
  if (proxy !== undefined) throw new TypeError('--proxy tests twist, and cannot go with --url');
  if (flags.tls)
    throw new TypeError('--tls tests twist, and cannot go with --url; a URL may be wss://');
  if (flags['no-wasm']) throw new TypeError('--no-wasm tests twist, and cannot go with --url');
}

/**
 * @param {Options} options
 * @returns {Promise<import('./suite.mjs').SuiteResult>}
 */
async function runOn(options) {
  const { cases, excluded, proxy, isTls, hasWasm, url, outDirectory, isKeep, isDocker } = options;
  await mkdir(outDirectory, { recursive: true });
  if (!isKeep) await removePages(outDirectory);
  const note = (/** @type {string} */ text) => {
    console.error(text);
  };
  const wstest = await findWstest({ root: ROOT, outDirectory, isDocker, note });
  if (url !== undefined) {
    return runSuite(wstest, { server: { agent: 'server', url }, cases, excluded, outDirectory });
  }
  const logFile = path.join(outDirectory, 'twist.log');
  const directory = await mkdtemp(path.join(tmpdir(), 'twist-conformance-'));
  try {
    const flags = [
      ...(isTls ? await tlsOptions(directory) : []),
      ...(hasWasm ? [] : ['--no-wasm']),
    ];
    const server = await (proxy === undefined
      ? startTwist(ROOT, logFile, ['--echo', ...flags])
      : startProxy(ROOT, logFile, proxy, flags));
    try {
      return await runSuite(wstest, { server, cases, excluded, outDirectory });
    } finally {
      await server.stop();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** @param {string} directory */
async function tlsOptions(directory) {
  const { cert, key } = await makeCertificates(directory);
  return ['--tls-cert', cert, '--tls-key', key];
}

/**
 * Removes what earlier runs have left, and nothing that is not the suite's.
 * @param {string} directory
 */
async function removePages(directory) {
  const pages = (await readdir(directory)).filter((name) =>
    /^(index|(twist|server)_case_[\d_]+)\.(html|json)$/.test(name),
  );
  await Promise.all(pages.map((name) => rm(path.join(directory, name))));
}

/**
 * @param {import('./compare.mjs').Difference} difference
 * @param {string} outDirectory
 */
async function report({ id, text }, outDirectory) {
  console.log(text);
  for (const agent of ['twist', 'server']) {
    const page = path.join(outDirectory, `${agent}_case_${id.replaceAll('.', '_')}`);
    const details = await readFile(`${page}.json`, 'utf8').catch(() => null);
    if (details === null) continue;
    const { description, result, resultClose } =
      /** @type {{ description: string, result: string, resultClose: string }} */ (
        parseJson(details)
      );
    console.log(`    ${description.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')}`);
    console.log(`    messages: ${result}; closing: ${resultClose}`);
    console.log(`    ${path.relative('', page)}.html`);
  }
}
