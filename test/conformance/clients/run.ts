/**
 * `npm run clients`: has clients ask for every control and every broken rule, and writes docs/clients.md. With `--check` it
 * writes nothing, and fails where a client of the version on that page does not do what the page says.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { BreakName } from '../../../src/protocol/break/broken-rules.js';
import { TwistProcess } from '../../fixtures/twist-process.js';
import { CASES, type Client, type ClientName, pathOf } from './cases.js';
import { chromiumClient } from './chromium-client.js';
import {
  type Outcome,
  type Results,
  clientsPage,
  ruleRows,
  verdictOf,
  versionsOf,
} from './page.js';
import { pythonClient } from './python-client.js';
import { wsClient } from './ws-client.js';

const PAGE = 'docs/clients.md';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const found = [wsClient(), pythonClient(), await chromiumClient()];
const clients = found.filter((client) => client !== null);
if (clients.length < found.length && (!values.check || process.env['CI'] === 'true')) {
  say('It takes ws, Python with websockets (TWIST_PYTHON) and Chromium (CHROMIUM).');
  process.exit(1);
}
const directory = mkdtempSync(path.join(os.tmpdir(), 'twist-clients-'));
try {
  await run();
} finally {
  rmSync(directory, { recursive: true });
}

async function run(): Promise<void> {
  const results: Partial<Record<ClientName, Results[ClientName]>> = {};
  for (const client of clients) {
    say(`${client.name} ${client.version}`);
    const outcomes = await outcomesOf(client);
    results[client.name] = { version: client.version, outcomes };
  }
  if (values.check) check(results);
  else await write(results as Results);
}

/** A server of its own for each client, whose recording has what the client sent. */
async function outcomesOf(client: Client): Promise<ReadonlyMap<string, Outcome>> {
  const file = path.join(directory, `${client.name}.ndjson`);
  const listen = ['--listen', '127.0.0.1:0', '--log-format', 'json', '--ping-interval', 'off'];
  const twist = new TwistProcess({
    args: ['serve', '--echo', '--echo-controls', ...listen, '--record', file],
  });
  try {
    await twist.waitForLog(({ msg }) => msg === 'listening');
    const seen = await client.observe(twist.url, CASES);
    await twist.stop();
    const told = closesIn(file);
    return new Map(
      CASES.map((one): [string, Outcome] => [
        one.name,
        { ...seen.get(one.name)!, told: told.get(pathOf(client.name, one)) ?? null },
      ]),
    );
  } finally {
    await twist.kill();
  }
}

/** The code of the Close that came, by path. */
function closesIn(file: string): ReadonlyMap<string, number> {
  const paths = new Map<unknown, string>();
  const codes = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { ev, s, dir, op, data, b64 } = record;
    if (ev === 'open') paths.set(s, String(record['url']).split('?')[0]!);
    if (ev !== 'ctl' || dir !== 'in' || op !== 8) continue;
    const payload =
      typeof b64 === 'string'
        ? Buffer.from(b64, 'base64')
        : Buffer.from(typeof data === 'string' ? data : '');
    codes.set(paths.get(s)!, payload.length < 2 ? 1005 : payload.readUInt16BE(0));
  }
  return codes;
}

async function write(results: Results): Promise<void> {
  const options = { ...(await resolveConfig(PAGE)), filepath: PAGE };
  writeFileSync(PAGE, await format(clientsPage(results), options));
  say(`${PAGE} is written`);
}

/** The words of clients may change with the machine; whether they notice may not. */
function check(results: Partial<Results>): void {
  const page = readFileSync(PAGE, 'utf8');
  const versions = versionsOf(page);
  const rows = ruleRows(page);
  for (const [index, name] of [...versions.keys()].entries()) {
    const result = results[name as ClientName];
    if (result === undefined || result.version !== versions.get(name)) {
      say(`${name}: not ${String(versions.get(name))}, of which the page speaks`);
      continue;
    }
    for (const cells of rows) {
      const rule = cells[0]!.replaceAll('`', '') as BreakName;
      const verdict = verdictOf(rule, result.outcomes.get(rule)!);
      if (cells[3 + index]!.startsWith(`**${verdict}**`)) continue;
      say(`${name}, ${rule}: ${verdict}, and the page says ${cells[3 + index]!}`);
      process.exitCode = 1;
    }
  }
}
