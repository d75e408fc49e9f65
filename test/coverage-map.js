/**
 * Each unit test covers the source file of the same name and no other, so that a line covered by
 * accident from afar does not hide a missing test. Integration tests cover nothing by themselves.
 * @param {string} test path of a test file
 * @returns {string | string[] | null} the sources it answers for
 */
export default (test) => {
  const match =
    /^test\/(net|protocol|extensions|handshake|session|http|connection|recording|modes|server|config|app|cli)\/(.+)\.test\.ts$/.exec(
      test,
    );
  if (match) return `src/${match[1]}/${match[2]}.ts`;
  if (test === 'test/errors.test.ts') return 'src/errors.ts';
  if (test === 'test/foreign.test.ts') return 'src/foreign.ts';
  if (test === 'test/printable.test.ts') return 'src/printable.ts';
  if (test === 'test/index.test.ts') return 'src/index.ts';
  return null;
};
