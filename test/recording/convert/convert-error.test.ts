import t from 'tap';
import { TwistError } from '../../../src/errors.js';
import { ConvertError } from '../../../src/recording/convert/convert-error.js';

const error = new ConvertError('one clear sentence');
t.ok(error instanceof TwistError, 'it is one of ours');
t.match(error, { name: 'ConvertError', message: 'one clear sentence' });
