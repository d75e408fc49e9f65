#!/usr/bin/env node
// A module would take twice as long to find: this folder's package.json says that it is none (docs/adr/0040-start.md).
require('../dist/twist.cjs');
