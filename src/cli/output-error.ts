import { TwistError } from '../errors.js';

/** The output of a command cannot be written; `cause` is the system's error. */
export class OutputError extends TwistError {}
