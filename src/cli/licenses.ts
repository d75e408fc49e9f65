/** `twist --licenses`: the license of twist, and those of what is in it. */
import { getAsset, isSea } from 'node:sea';

/** Put in place by the build, of the files of the licenses and of what it has bundled. */
declare const TWIST_LICENSES: string | undefined;

/** Files with the licenses of what the image has beside twist, Node and its libraries; named by what starts twist there. */
declare const TWIST_NOTICE_FILES: readonly string[] | undefined;

const LINE = '-'.repeat(80);

/**
 * Whoever brings Node along has to show its license too: the single binary, and the image.
 *
 * @param readFile reads a whole file as UTF-8 text
 */
export function licenses(readFile: (path: string) => string): string {
  const texts = [
    typeof TWIST_LICENSES === 'string' ? TWIST_LICENSES : 'twist runs from its sources here.',
  ];
  if (isSea()) texts.push(`Node.js ${process.version}\n\n${getAsset('NODE_LICENSE', 'utf8')}`);
  const files = typeof TWIST_NOTICE_FILES === 'undefined' ? [] : TWIST_NOTICE_FILES;
  for (const file of files) texts.push(`${file}\n\n${readFile(file)}`);
  return `${texts.join(`\n\n${LINE}\n\n`)}\n`;
}
