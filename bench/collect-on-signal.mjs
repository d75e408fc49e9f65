/**
 * Loaded into each server of the idle measurement, the same for all: SIGUSR2 collects garbage, so that what
 * is read afterwards is what the connections hold and not what their handshakes left behind.
 */
import process from 'node:process';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
});
