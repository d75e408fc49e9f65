/** Styles that a page imports: the build puts them into its style sheet. */
declare module '*.css';
