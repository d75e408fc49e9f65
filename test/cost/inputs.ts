/** Which files of src have no case of cost, and why: a file that is in no list here must have one. */

/** Folders and files that take nothing from outside, or pass it on as it is. */
export const NO_INPUT: Readonly<Record<string, string>> = {
  'src/app/': 'what the operator has written was read before',
  'src/budget/memory-account.ts': 'two numbers',
  'src/cli/config/': 'prints the settings',
  'src/cli/help/': 'reads the words of a command line',
  'src/cli/healthcheck/': 'one question and its answer',
  'src/cli/serve/': 'starts and stops',
  'src/config/options/': 'the table of options',
  'src/cli/': 'reads a command line, which the operator has written',
  'src/admin/metrics/': 'a few numbers for each scrape; what grows is in metric.ts',
  'src/server/tls/': 'certificates of the operator; the handshake is done by Node',
  'src/workers/': 'messages between our own processes, some hundred bytes each',
  'src/durations.ts': 'numbers',
  'src/errors.ts': 'classes',
  'src/index.ts': 'exports',
  'src/log.ts': 'types',
  'src/regular-file.ts': 'one question about a file',
  'src/reloadable.ts': 'types',
  'src/system-reason.ts': 'the words of the system',
};

/** Folders whose other files are measured through the cases of those that call them, or have no case yet. */
export const THROUGH_OTHERS: Readonly<Record<string, string>> = {
  'src/admin/': 'Node reads the requests; what is answered is measured in metrics/',
  'src/config/': 'through config/load',
  'src/connection/':
    'through the parsers that a phase passes bytes to; a connection as a whole by npm run hostile',
  'src/extensions/': 'through the pipeline, the inflater, the deflater and the negotiation',
  'src/handshake/': 'through the request, whose parts they are',
  'src/http/': 'through the tunnel; Node and send read the ranges of a request',
  'src/modes/': 'through the parts that take what comes, and by npm run hostile',
  'src/net/': 'through the addresses of a handshake',
  'src/protocol/': 'through the endpoint',
  'src/recording/': 'through the reader, the converters and the buffer of records',
  'src/server/': 'through admission, the expendables and what a request is asked for',
  'src/session/':
    'through the endpoint, the output and the tap; a session as a whole by npm run hostile',
};
