/** What is to be viewed cannot be shown; the message is one sentence. */
export class ViewError extends Error {}
