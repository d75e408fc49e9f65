/** Frame opcodes (RFC 6455 §5.2, §11.8). All others are reserved. */
export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** The opcodes that a message can have. */
export type DataOpcode = typeof Opcode.Text | typeof Opcode.Binary;

/** The opcodes of control frames (RFC 6455 §5.5). */
export type ControlOpcode = typeof Opcode.Close | typeof Opcode.Ping | typeof Opcode.Pong;
