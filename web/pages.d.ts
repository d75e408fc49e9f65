/** Pages as sources import them (build-pages.mjs): what a browser gets, as texts. */
declare module 'twist:page/*' {
  export const html: string;
  export const script: string;
  export const style: string;
}
