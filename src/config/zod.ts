/**
 * zod, loaded when something first asks for it: a start with the usual values does not need it (docs/adr/0040-start.md).
 */
import { createRequire } from 'node:module';
import type * as zodTypes from 'zod';

export type Zod = typeof zodTypes;

const require = createRequire(import.meta.url);

export function zod(): Zod {
  return require('zod') as Zod;
}
