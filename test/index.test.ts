import t from 'tap';
import * as library from '../src/index.js';

t.test('what the library exports: a change here is a change for its users', async (t) => {
  t.strictSame(Object.keys(library), [
    'AbsenceError',
    'CloseCode',
    'Codec',
    'ConfigError',
    'ExtensionError',
    'HandshakeError',
    'InvalidArgumentError',
    'InvalidPayloadError',
    'InvalidStateError',
    'MessageTooBigError',
    'NegotiationError',
    'Opcode',
    'OverloadError',
    'PeerError',
    'PolicyError',
    'ProtocolError',
    'TwistError',
    'acceptKey',
    'permessageDeflate',
    'serve',
  ]);
});
