import { TwistError } from '../../errors.js';

/** A recording cannot be converted to the requested format; `message` is one clear sentence. */
export class ConvertError extends TwistError {
  override readonly code = 'TWIST_CONVERT';
}
