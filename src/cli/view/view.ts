/** `twist view`: the page of the inspector on a recording, until a signal ends it. */
import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { PageServer } from '../../app/inspect/page-server.js';
import { TokenDoor } from '../../app/inspect/token-door.js';
import { version } from '../../app/version.js';
import { defaultValue } from '../../config/options/option.js';
import { OPTIONS } from '../../config/options/options.js';
import { readEnvironment } from '../../config/text-sources.js';
import type { AdminAddress } from '../../config/values/operation-values.js';
import { ConfigError } from '../../errors.js';
import { FileInspection, LiveInspection } from '../../inspect/inspection.js';
import { SUBPROTOCOL } from '../../inspect/inspect-mode.js';
import { isLoopbackHost } from '../../net/address-range.js';
import { parseListenAddress } from '../../net/socket-address.js';
import { checkRegular } from '../../regular-file.js';
import type { Mode } from '../../session/mode.js';
import { systemReason } from '../../system-reason.js';
import { compressionProblem, headOf } from '../convert/recording-head.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import { createLog } from '../output/log.js';
import { startFailure } from '../serve/start-failure.js';
import { openBrowser } from './browser.js';
import type { ViewFlags } from './options.js';
import { PAGE } from './page.js';
import { spoolDirOf } from './run-viewer.js';
import { ViewError } from './view-error.js';
import { viewStream } from './view-stream.js';

export interface ViewRequest {
  /** A path, or `-` for standard input. */
  readonly input: string;
  readonly address: AdminAddress;
  /** The operator's token; null where one is made. */
  readonly token: string | null;
  readonly isFollowing: boolean;
  readonly opensBrowser: boolean;
}

const STANDARD = '-';

/** More than the beginning of a recording that tells that it is one. */
const HEAD_BYTES = 4096;

const SECRET_BYTES = 24;

/** @throws ConfigError whose message is one sentence when the command line or the environment is wrong */
export function viewRequest(
  inputs: readonly string[],
  { listen = '0', follow = false, open: opens }: ViewFlags,
  { env, stdout }: Pick<Io, 'env' | 'stdout'>,
): ViewRequest {
  const input = inputOf(inputs, follow);
  const token = tokenOf(env);
  return {
    input,
    address: addressOf(listen, token !== null),
    token,
    isFollowing: follow,
    opensBrowser: opens && stdout.isTTY === true,
  };
}

function inputOf(inputs: readonly string[], isFollowing: boolean): string {
  const [input, second] = inputs;
  if (input === undefined) throw wrong('name a recording, or - for standard input');
  if (second !== undefined)
    throw wrong(
      `one recording at a time can be viewed: join them with twist convert --to ndjson ${inputs.join(' ')} | twist view -`,
    );
  if (isFollowing && input === STANDARD)
    throw wrong('--follow needs a file: standard input is read until it ends anyway');
  return input;
}

/** @param isProtected whether others know a token */
function addressOf(listen: string, isProtected: boolean): AdminAddress {
  const address = listen.includes('://') ? null : parseListenAddress(listen);
  if (address?.kind !== 'tcp')
    throw refusal(listen, 'give PORT, HOST:PORT, [IPV6]:PORT or :PORT (every address)');
  if (!isProtected && !isLoopbackHost(address.host))
    throw refusal(listen, 'others than this machine can reach it, so set TWIST_INSPECT_TOKEN too');
  const { host, port } = address;
  return { host, port };
}

/** The operator's token; null for none. */
function tokenOf(env: Io['env']): string | null {
  const given = { TWIST_INSPECT_TOKEN: env['TWIST_INSPECT_TOKEN'] };
  const token = readEnvironment(OPTIONS, given).get('inspectToken')?.value;
  return typeof token === 'string' ? token : null;
}

/** Runs until a signal. @returns the exit status */
export async function view(request: ViewRequest, io: Io, platform: string): Promise<ExitCode> {
  const stop = { isAsked: false };
  const stopped = new Promise<void>((resolve) => {
    const ask = (): void => {
      stop.isAsked = true;
      resolve();
    };
    io.onSignal('SIGINT', ask);
    io.onSignal('SIGTERM', ask);
  });
  try {
    const shown = await openInput(request, io, stopped);
    try {
      // What came first was waited for, and who waited may have had enough.
      if (!stop.isAsked) await show(shown.mode, request, io, platform, stopped);
    } finally {
      shown.close();
    }
    return ExitCode.Ok;
  } catch (error) {
    if (!(error instanceof ViewError)) throw error;
    io.stderr.write(`twist: ${error.message}\n`);
    return ExitCode.Failure;
  }
}

/** What is shown, and how it is given back. */
interface Shown {
  readonly mode: Mode;
  close(): void;
}

async function openInput(
  { input, isFollowing }: ViewRequest,
  io: Io,
  stopped: Promise<void>,
): Promise<Shown> {
  const options = { version: version(), spoolDir: spoolDirOf(io.env) };
  if (input === STANDARD) {
    const inspection = new LiveInspection({
      ...options,
      memoryBytes: defaultValue(OPTIONS.inspectMemory),
      isForeign: true,
    });
    await viewStream(io, inspection, stopped);
    return { mode: inspection.mode, close: () => undefined };
  }
  try {
    await assertRecording(input, isFollowing);
    return new FileInspection(input, { ...options, isFollowed: isFollowing });
  } catch (error) {
    if (error instanceof ViewError) throw error;
    throw new ViewError(`cannot read ${input}: ${systemReason(error)}`);
  }
}

/**
 * @param mayBeEmpty its first line may still come
 * @throws ViewError as a rejection, or what `node:fs` reports
 */
async function assertRecording(input: string, mayBeEmpty: boolean): Promise<void> {
  // A pipe would wait for somebody who writes.
  checkRegular(await fs.stat(input));
  const file = await fs.open(input, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    if (bytesRead === 0) {
      if (mayBeEmpty) return;
      throw new ViewError(`cannot show ${input}: it is empty`);
    }
    const bytes = buffer.subarray(0, bytesRead);
    const problem = compressionProblem(bytes, input, 'twist view');
    if (problem !== null) throw new ViewError(problem);
    if (!headOf(bytes).isRecording)
      throw new ViewError(`cannot show ${input}: it is no recording of twist`);
  } finally {
    await file.close();
  }
}

/** Settles once it was told to stop. @throws ViewError as a rejection, when it cannot listen */
async function show(
  mode: Mode,
  request: ViewRequest,
  io: Io,
  platform: string,
  stopped: Promise<void>,
): Promise<void> {
  const { address, token } = request;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const door = new TokenDoor({ secret, token });
  const log = createLog('warn', 'auto', io.stderr);
  const server = new PageServer({
    ...{ address, mode, subprotocol: SUBPROTOCOL, door, tls: null, loadPage: PAGE },
    log,
  });
  let url: string;
  try {
    ({ address: url } = await server.start());
  } catch (error) {
    throw new ViewError(startFailure(error));
  }
  try {
    tellUrls(url, door, request, io, platform);
    await stopped;
  } finally {
    await server.stop();
  }
}

function tellUrls(
  url: string,
  door: TokenDoor,
  { opensBrowser }: ViewRequest,
  { stdout }: Io,
  platform: string,
): void {
  // A token of the operator's is a secret, and other users can see what a browser is started with.
  if (!door.isOneTime) {
    stdout.write(`${url}/\n`);
    return;
  }
  const tell = (next: string): void => {
    stdout.write(`${url}/?token=${next}\n`);
  };
  door.onNext = tell;
  tell(door.token);
  if (opensBrowser) openBrowser(`${url}/?token=${door.token}`, platform);
}

function refusal(listen: string, clause: string): ConfigError {
  return wrong(`--listen cannot be ${JSON.stringify(listen)}: ${clause}`);
}

function wrong(sentence: string): ConfigError {
  return new ConfigError(sentence, { source: 'flag' });
}
