/** What a release changes in CHANGELOG.md. */

const UNRELEASED = '## Unreleased\n';

/**
 * Gives the section "Unreleased" a version and a date, and puts an empty one above it.
 * @param {string} text
 * @param {string} version
 * @param {string} date
 * @throws Error when there is nothing to release
 */
export function withRelease(text, version, date) {
  const [before, rest, ...others] = text.split(new RegExp(`^${UNRELEASED}`, 'm'));
  if (before === undefined || rest === undefined || others.length > 0)
    throw new Error('CHANGELOG.md needs one section "## Unreleased"');
  const [section = ''] = rest.split(/^## /m, 1);
  // Headings alone say nothing.
  if (!/^[^#\s]/m.test(section))
    throw new Error('nothing stands under "Unreleased" in CHANGELOG.md');
  return `${before}${UNRELEASED}\n## ${version} - ${date}\n${rest}`;
}
