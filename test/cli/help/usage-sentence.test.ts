import t from 'tap';
import { usageSentence } from '../../../src/cli/help/usage-sentence.js';
import { OPTIONS } from '../../../src/config/options/options.js';

const ARGV = ['serve', '--port', '9001', '--cors', '*'];

t.test('one sentence that ends in what to do next', async (t) => {
  for (const [message, sentence] of [
    ["error: unknown option '--foo'\n", "unknown option '--foo'; see twist serve --help"],
    [
      "error: unknown option '--ecko'\n(Did you mean --echo?)\n",
      "unknown option '--ecko'; did you mean --echo?",
    ],
    [
      "error: unknown option '--max-hea'\n(Did you mean one of --max-head, --max-headers?)",
      "unknown option '--max-hea'; did you mean one of --max-head, --max-headers?",
    ],
    [
      "error: unknown command 'serv'\n(Did you mean serve?)",
      "unknown command 'serv'; did you mean serve?",
    ],
    [
      "error: option '--max-headers <value>' argument missing",
      '--max-headers needs a value: give a whole number from 5 to 10000; see twist serve --help',
    ],
    [
      "error: option '-c, --config <value>' argument missing",
      '--config needs a value: give the path of a file, or off; see twist serve --help',
    ],
    [
      "error: option '--to <format>' argument missing",
      '--to needs a value; see twist serve --help',
    ],
    ["error: unknown option '--echo=yes'", '--echo takes no value; see twist serve --help'],
    ["error: unknown option '--port'", "unknown option '--port'; did you mean --listen 9001?"],
    [
      "error: unknown option '--cors'\n(Did you mean --record?)",
      "unknown option '--cors'; did you mean --origin LIST?",
    ],
    [
      "error: unknown option '--cert'",
      "unknown option '--cert': twist does not speak TLS to clients: put a proxy such as nginx or HAProxy in front, see docs/tcp.md; see twist serve --help",
    ],
    ["error: unknown command 'echo'", "unknown command 'echo'; did you mean twist serve --echo?"],
    ["error: unknown option '--tcp=a:1'", "unknown option '--tcp=a:1'; did you mean --tcp a:1?"],
    ["error: unknown option '--foo=yes'", "unknown option '--foo=yes'; see twist serve --help"],
    ['choose a mode: --echo', 'choose a mode: --echo; see twist serve --help'],
  ] as const) {
    t.equal(usageSentence(OPTIONS, message, 'twist serve', ARGV), sentence);
  }
});
