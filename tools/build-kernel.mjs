/**
 * Makes `src/protocol/kernel/kernel-code.ts` of the text beside it: `npm run kernel`. A test verifies that it was done.
 */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import wabt from 'wabt';
import { ROOT } from './import-graph.mjs';

const FOLDER = path.join(ROOT, 'src/protocol/kernel');
export const CODE_FILE = path.join(FOLDER, 'kernel-code.ts');

/** @returns {Promise<string>} what the file has to hold */
export async function kernelCode() {
  const toolkit = await wabt();
  const text = readFileSync(path.join(FOLDER, 'kernel.wat'), 'utf8');
  const module = toolkit.parseWat('kernel.wat', text, { simd: true });
  module.resolveNames();
  module.validate();
  const code = Buffer.from(module.toBinary({}).buffer).toString('base64');
  module.destroy();
  const lines = code.match(/.{1,92}/g) ?? [];
  return [
    '// Made of kernel.wat by `npm run kernel`.',
    '',
    '/** The code as base64. */',
    `export const KERNEL_CODE =`,
    lines.map((line) => `  '${line}'`).join(' +\n') + ';',
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) writeFileSync(CODE_FILE, await kernelCode());
