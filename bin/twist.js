#!/usr/bin/env node
// A module would take twice as long to find: this folder's package.json says that it is none (docs/adr/0040-start.md).
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

// The bundle is ASCII, which its build makes sure of. Node would decode it as UTF-8: two milliseconds, and 3 MiB that
// stay.
const bundle = join(__dirname, '../dist/twist.cjs');
if (module._compile === undefined) require(bundle);
else module._compile(readFileSync(bundle, 'latin1'), bundle);
