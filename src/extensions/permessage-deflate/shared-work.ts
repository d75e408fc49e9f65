/** What all compressors and decompressors of one extension share. */
import type { MemoryAccount } from '../../budget/memory-account.js';
import type { Turns } from '../../budget/turns.js';
import type { CompressorBudget } from './compressor-budget.js';
import { LargeRoom } from './large-room.js';
import { type OutputParts, makeScratch } from './message-output.js';
import { SlicedWork } from './sliced-work.js';

export interface SharedWork {
  /** What `isSyncContextUsable` said. */
  readonly isSync: boolean;
  readonly budget: CompressorBudget;
  readonly turns: Turns;
  readonly room: LargeRoom;
  readonly slicedWork: SlicedWork;
  readonly memory: MemoryAccount;
  readonly inflatedOutput: OutputParts;
  readonly deflatedOutput: OutputParts;
}

/** One scratch buffer for each direction: no message of one slice finds another in it. */
const inflateScratch = makeScratch();
const deflateScratch = makeScratch();

/**
 * @param isSync what `isSyncContextUsable` said
 * @param memory is charged for all that they hold
 */
export function shareWork(
  isSync: boolean,
  budget: CompressorBudget,
  memory: MemoryAccount,
  turns: Turns,
): SharedWork {
  const room = new LargeRoom(memory);
  return {
    isSync,
    budget,
    turns,
    room,
    slicedWork: new SlicedWork(turns, room),
    memory,
    inflatedOutput: { scratch: inflateScratch, room, way: 'inflated', memory },
    deflatedOutput: { scratch: deflateScratch, room, way: 'deflated', memory },
  };
}
