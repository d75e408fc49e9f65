/**
 * JSON of unknown shape, which the caller has to name; JSON.parse itself says `any`.
 * @param {string} text
 * @returns {unknown}
 */
export function parseJson(text) {
  return JSON.parse(text);
}
