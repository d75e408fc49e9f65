/** Has the server make a file of records, and the browser save it. */
import type { ExportFormat } from '../../src/inspect/page-protocol.js';
import { saveFile } from '../shared/copy-text.js';
import type { Inspector } from './inspector.js';
import { sentenceOf } from './sentence.js';

/** @param isMarked of those that are marked only, else of all that pass the filter */
export async function exportFile(
  inspector: Inspector,
  format: ExportFormat,
  isMarked: boolean,
): Promise<void> {
  const { rows, marked, link } = inspector;
  if (rows === null) return;
  inspector.isExporting = true;
  inspector.changed();
  try {
    const { answer, parts } = await link.askFile({
      ask: 'export',
      view: rows.view,
      format,
      ...(isMarked && { records: [...marked].sort((a, b) => a - b) }),
    });
    saveFile(answer.name, parts, answer.type);
    inspector.tell(answer.note ?? `${answer.name} is saved.`);
  } catch (error) {
    inspector.tell(sentenceOf(error));
  }
  inspector.isExporting = false;
  inspector.changed();
}
