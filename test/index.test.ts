import t from 'tap';
import * as library from '../src/index.js';

t.test('what the library exports: a change here is a change for its users', async (t) => {
  t.strictSame(Object.keys(library), [
    'AbsenceError',
    'CloseCode',
    'ConfigError',
    'Endpoint',
    'ExtensionError',
    'HandshakeError',
    'InvalidArgumentError',
    'InvalidPayloadError',
    'InvalidStateError',
    'MessageTooBigError',
    'NegotiationError',
    'Opcode',
    'OutputQueue',
    'PeerError',
    'PolicyError',
    'ProtocolError',
    'SlabPool',
    'TwistError',
    'permessageDeflate',
    'serve',
  ]);
});
