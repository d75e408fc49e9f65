/** The files of the inspector's page, which are loaded when somebody opens it. */
import type { PageFiles } from '../../http/page-source.js';

export const PAGE = async (): Promise<PageFiles> => await import('twist:page/inspect');
