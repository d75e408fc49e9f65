/** Lines over time as SVG, on a logarithmic axis. Colors and text are readable on white and on black. */

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} color
 * @property {readonly number[]} values one for each second; those below the axis are drawn on it
 */

/**
 * @typedef {object} LineChart
 * @property {string} title
 * @property {string} axis what the numbers are
 * @property {readonly Line[]} lines
 * @property {{ value: number, name: string }} mark a value to compare with
 * @property {number} least where the axis begins, a power of ten
 * @property {number} seconds where the time ends
 */

const WIDTH = 760;
const HEIGHT = 360;
const LEFT = 62;
const RIGHT = 24;
const TOP = 92;
const BOTTOM = 34;
const LEGEND_ROW = 16;

/**
 * @param {LineChart} chart
 * @returns {string} the file
 */
export function drawLines({ title, axis, lines, mark, least, seconds }) {
  const most = Math.max(mark.value, ...lines.flatMap(({ values }) => values)) * 1.3;
  /** @param {number} second */
  const x = (second) => round(LEFT + ((WIDTH - LEFT - RIGHT) * second) / seconds);
  /** @param {number} value */
  const y = (value) =>
    round(
      HEIGHT -
        BOTTOM -
        ((HEIGHT - BOTTOM - TOP) * Math.log(Math.max(value, least) / least)) /
          Math.log(most / least),
    );
  const powers = [];
  for (let value = least; value <= most; value *= 10) powers.push(value);
  const minutes = [];
  for (let second = 0; second <= seconds; second += 30) minutes.push(second);
  const parts = [
    text(0, 15, title, 'class="title"'),
    ...lines.map(({ name, color }, row) =>
      [
        `<rect x="0" y="${24 + row * LEGEND_ROW}" width="10" height="10" fill="${color}"/>`,
        text(14, 33 + row * LEGEND_ROW, name, ''),
      ].join('\n'),
    ),
    ...powers.flatMap((value) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" class="tick"/>`,
      text(LEFT - 6, y(value) + 3, value.toLocaleString('en'), 'class="small" text-anchor="end"'),
    ]),
    ...minutes.map((second) =>
      text(x(second), HEIGHT - BOTTOM + 14, `${second} s`, 'class="small" text-anchor="middle"'),
    ),
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark.value)}" y2="${y(mark.value)}" class="mark"/>`,
    text(WIDTH - RIGHT, y(mark.value) - 5, mark.name, 'class="small" text-anchor="end"'),
    ...lines.map(({ color, values }) => {
      const points = values.slice(0, seconds + 1).map((value, at) => `${x(at)},${y(value)}`);
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="1.5" stroke-linejoin="round"/>`;
    }),
    text(LEFT, HEIGHT - 6, axis, 'class="small"'),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escape(title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; font-size: 14px; fill: #24292f }
.small { font-size: 10px }
.tick { stroke: #8c959f; stroke-opacity: .3 }
.mark { stroke: #57606a; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #9ea7b3 }
  .title { fill: #e6edf3 }
  .mark { stroke: #9ea7b3 }
}
</style>
${parts.join('\n')}
</svg>
`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} attributes
 */
function text(x, y, content, attributes) {
  return `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escape(content)}</text>`;
}

/** @param {string} value */
function escape(value) {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
