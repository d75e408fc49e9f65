/**
 * Finds the Autobahn suite's `wstest`, or sets it up in `.autobahn/`. The suite runs on Python 2.7 only.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { ConformanceError } from './failure.mjs';
import { run } from './processes.mjs';

const DOCKER_IMAGE = 'crossbario/autobahn-testsuite';

/** The last version that can make environments for Python 2.7. */
const VIRTUALENV = 'virtualenv==20.21.1';

/**
 * How to start `wstest`. The suite reads and writes only in the report directory, which has another
 * name where `wstest` runs in a container.
 * @typedef {object} Wstest
 * @property {string} command
 * @property {readonly string[]} args what comes before wstest's own arguments
 * @property {string} directory the report directory's name as `wstest` sees it
 * @property {NodeJS.Signals} exitSignal what ends it
 */

/**
 * @param {{ root: string, outDirectory: string, isDocker: boolean, note: (text: string) => void }} options
 *   `root` is the repository, `note` is told what takes long
 * @returns {Promise<Wstest>}
 * @throws {ConformanceError} when there is no way to run the suite on this machine
 */
export async function findWstest({ root, outDirectory, isDocker, note }) {
  if (isDocker) return dockerWstest(outDirectory);
  const given = process.env['TWIST_WSTEST'];
  if (given !== undefined) {
    if (await works(given)) return local(given, outDirectory);
    throw new ConformanceError(`TWIST_WSTEST is ${given}, and that does not run as wstest.`);
  }
  const own = path.join(root, '.autobahn', 'bin', 'wstest');
  for (const command of ['wstest', own]) {
    if (await works(command)) return local(command, outDirectory);
  }
  await setUp(path.join(root, '.autobahn'), note);
  if (await works(own)) return local(own, outDirectory);
  throw new ConformanceError(
    'The Autobahn suite was set up in .autobahn, and its wstest does not run.',
  );
}

/**
 * @param {string} command
 * @param {string} directory
 * @returns {Wstest}
 */
function local(command, directory) {
  return { command, args: [], directory, exitSignal: 'SIGKILL' };
}

/** @param {string} command */
async function works(command) {
  const { output } = await run(command, ['--help'], { timeoutMs: 60_000 });
  return output.includes('fuzzingclient');
}

/**
 * @param {string} outDirectory
 * @returns {Promise<Wstest>}
 */
async function dockerWstest(outDirectory) {
  const { isOk, output } = await run('docker', ['version', '--format', '{{.Server.Version}}']);
  if (!isOk) throw new ConformanceError(`--docker needs a Docker engine that runs: ${output}`);
  const directory = '/reports';
  const volume = `${outDirectory}:${directory}`;
  const args = ['run', '--rm', '--init', '--network', 'host', '--env', 'PYTHONUNBUFFERED=1'];
  // A killed client would leave its container behind; a terminated one ends it.
  return {
    command: 'docker',
    args: [...args, '--volume', volume, DOCKER_IMAGE, 'wstest'],
    directory,
    exitSignal: 'SIGTERM',
  };
}

/**
 * @param {string} directory becomes a Python 2.7 environment that holds the suite
 * @param {(text: string) => void} note
 */
async function setUp(directory, note) {
  const python = await findPython27();
  if (python === null) {
    throw new ConformanceError(
      'The Autobahn suite needs Python 2.7, and there is none on PATH or in pyenv: install one ' +
        `(pyenv install 2.7.18), point TWIST_WSTEST at a wstest, or use Docker's ${DOCKER_IMAGE} image with --docker.`,
    );
  }
  note(`setting up the Autobahn suite in .autobahn with ${python}: about a minute, once`);
  await rm(directory, { recursive: true, force: true });
  const tool = path.join(directory, 'tool');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  const requirements = path.join(import.meta.dirname, 'requirements.txt');
  await must('python3', ['-m', 'venv', tool]);
  await must(path.join(tool, 'bin', 'python'), [...pip, VIRTUALENV]);
  await must(path.join(tool, 'bin', 'virtualenv'), ['--quiet', '--python', python, directory]);
  await must(path.join(directory, 'bin', 'python'), [...pip, '--requirement', requirements]);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function must(command, args) {
  const { isOk, ended, output } = await run(command, args, { timeoutMs: 600_000 });
  if (isOk) return;
  throw new ConformanceError(
    `The Autobahn suite cannot be set up (${ended}): ${command} ${args.join(' ')}\n${output}\n` +
      `With Docker there is another way: the ${DOCKER_IMAGE} image, --docker.`,
  );
}

/** @returns {Promise<string | null>} a Python 2.7, CPython or PyPy, that really runs */
async function findPython27() {
  // A shim of pyenv comes first on PATH and fails while no 2.7 is switched on: look behind it.
  for (const command of ['python2.7', '/usr/bin/python2.7', 'pypy', ...(await pyenvPythons())]) {
    const { isOk, output } = await run(command, [
      '-c',
      'import sys; assert sys.version_info[:2] == (2, 7); print(sys.executable)',
    ]);
    if (isOk) return output;
  }
  return null;
}

async function pyenvPythons() {
  const { isOk, output } = await run('pyenv', ['versions', '--bare', '--skip-aliases']);
  if (!isOk) return [];
  const versions = output.split('\n').filter((version) => /^(2\.7|pypy2\.7)/.test(version));
  const prefixes = await Promise.all(versions.map((version) => run('pyenv', ['prefix', version])));
  return prefixes
    .filter(({ isOk }) => isOk)
    .map(({ output }) => path.join(output, 'bin', 'python'));
}
