/** `twist --licenses`: the license of twist, and those of what is in it. */
import { getAsset, isSea } from 'node:sea';

/** Put in place by the build, of the files of the licenses and of what it has bundled. */
declare const TWIST_LICENSES: string | undefined;

const LINE = '-'.repeat(80);

/** Those of the single binary include Node's, which is in it as well. */
export function licenses(): string {
  const own =
    typeof TWIST_LICENSES === 'string' ? TWIST_LICENSES : 'twist runs from its sources here.';
  const node = isSea()
    ? `\n\n${LINE}\n\nNode.js ${process.version}\n\n${getAsset('NODE_LICENSE', 'utf8')}`
    : '';
  return `${own}${node}\n`;
}
