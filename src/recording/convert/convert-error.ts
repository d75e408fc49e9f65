import { TwistError } from '../../errors.js';

/** A recording cannot be told in the format that was asked for; `message` is one clear sentence. */
export class ConvertError extends TwistError {
  override readonly code = 'TWIST_CONVERT';
}
