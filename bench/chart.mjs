/**
 * Bar charts as SVG: groups of bars on a logarithmic axis, all from one base line, so that what is twice as much and what
 * is half as much reach equally far. Colors and text are readable on white and on black.
 */

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} color
 */

/**
 * @typedef {object} Bar
 * @property {string} series its name
 * @property {number} value over 0; other values have no bar
 * @property {number} [low] of its interval
 * @property {number} [high]
 * @property {string} [label] instead of the value
 */

/**
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} axis what the numbers are, and which side is better
 * @property {number} base where bars begin
 * @property {readonly Series[]} series
 * @property {readonly { label: string, bars: readonly Bar[] }[]} groups
 */

const WIDTH = 760;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 44;
const TOP = 62;
const BAR = 8;
const GAP = 12;
const BOTTOM = 22;

/**
 * @param {Chart} chart
 * @returns {string} the file
 */
export function drawChart({ title, axis, base, series, groups }) {
  const values = groups
    .flatMap(({ bars }) =>
      bars.flatMap(({ value, low = value, high = value }) => [low, value, high]),
    )
    .filter(isDrawn);
  const low = Math.min(base, ...values) / 1.15;
  const high = Math.max(base, ...values) * 1.15;
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  /** @param {number} value */
  const x = (value) => round(LABEL_WIDTH + (room * Math.log(value / low)) / Math.log(high / low));
  const groupHeight = series.length * BAR + GAP;
  const bottom = TOP + groups.length * groupHeight;
  const parts = [
    text(0, 15, title, 'class="title"'),
    ...legend(series),
    ...ticks(low, high, base).flatMap((value) => [
      `<line x1="${x(value)}" x2="${x(value)}" y1="${TOP - 6}" y2="${bottom - 4}" class="${value === base ? 'base' : 'tick'}"/>`,
      text(x(value), TOP - 9, nameTick(value), 'class="small" text-anchor="middle"'),
    ]),
    ...groups.flatMap(({ label, bars }, group) => {
      const top = TOP + group * groupHeight;
      return [
        text(0, top + (groupHeight - GAP) / 2 + 4, label, ''),
        ...series.flatMap((each, place) => {
          const bar = bars.find((one) => one.series === each.name);
          if (bar === undefined || !isDrawn(bar.value)) return [];
          return drawBar(bar, each.color, top + place * BAR, x, base);
        }),
      ];
    }),
    text(0, bottom + 12, axis, 'class="small"'),
  ];
  const height = bottom + BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; font-size: 14px; fill: #24292f }
.small { font-size: 10px }
.value { font-size: 9px }
.tick { stroke: #8c959f; stroke-opacity: .3 }
.base { stroke: #57606a }
.interval { stroke: #57606a; stroke-opacity: .7 }
@media (prefers-color-scheme: dark) {
  text { fill: #9ea7b3 }
  .title { fill: #e6edf3 }
  .base, .interval { stroke: #9ea7b3 }
}
</style>
${parts.join('\n')}
</svg>
`;
}

/**
 * @param {Bar} bar
 * @param {string} color
 * @param {number} top
 * @param {(value: number) => number} x
 * @param {number} base
 */
function drawBar({ value, low, high, label }, color, top, x, base) {
  const left = Math.min(x(value), x(base));
  const width = round(Math.max(Math.abs(x(value) - x(base)), 1));
  const middle = round(top + BAR / 2);
  const end = Math.max(x(value), x(high ?? value), x(base));
  const lines = [
    `<rect x="${left}" y="${top + 0.5}" width="${width}" height="${BAR - 1}" fill="${color}"/>`,
  ];
  if (low !== undefined && high !== undefined && high > low)
    lines.push(
      `<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" class="interval"/>`,
    );
  lines.push(text(end + 3, middle + 3, label ?? short(value), 'class="value"'));
  return lines;
}

/** @param {readonly Series[]} series */
function legend(series) {
  let left = 0;
  return series.flatMap(({ name, color }) => {
    const start = left;
    left += 28 + name.length * 7;
    return [
      `<rect x="${start}" y="26" width="10" height="10" fill="${color}"/>`,
      text(start + 14, 35, name, ''),
    ];
  });
}

/**
 * Powers of two, or of ten where those would be too many.
 * @param {number} low
 * @param {number} high
 * @param {number} base
 */
function ticks(low, high, base) {
  const step = high / low > 2000 ? 10 : high / low > 60 ? 4 : 2;
  const values = [base];
  for (let value = base / step; value > low; value /= step) values.unshift(value);
  for (let value = base * step; value < high; value *= step) values.push(value);
  return values;
}

/** @param {number} value */
function nameTick(value) {
  return value >= 1 ? value.toLocaleString('en-US') : `1/${Math.round(1 / value)}`;
}

/** @param {number} value */
function short(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}

/** @param {number} value */
function isDrawn(value) {
  return Number.isFinite(value) && value > 0;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} attributes
 */
function text(x, y, content, attributes) {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/** @param {string} content */
function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
