// Lines of scores over time, on a canvas that is as sharp as the screen.

const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const SERIES = 6;
export const seriesColour = (index) => `--s${index % SERIES}`;

function prepared(canvas) {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || !height) return null;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

// `lines`: [{points: [[seconds, score], …], colour}], `marks`: [{at, text}], `levels`: [score, …], `shade`: [from, to]
export function draw(canvas, { from, to, lines, marks = [], levels = [], shade = null, gap = 3 }) {
  const area = prepared(canvas);
  if (area === null) return;
  const { pen, width, height } = area;
  const left = 26, bottom = marks.length ? 16 : 7, top = 6;
  const x = (at) => left + ((at - from) / (to - from)) * (width - left - 2);
  const y = (value) => top + (1 - value) * (height - top - bottom);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.lineWidth = 1;
  if (shade) {
    pen.fillStyle = colourOf("--good-bg");
    pen.fillRect(x(shade[0]), y(1), Math.max(1, x(shade[1]) - x(shade[0])), y(0) - y(1));
  }
  for (const value of [0, 0.5, 1]) {
    pen.strokeStyle = colourOf("--line");
    pen.beginPath();
    pen.moveTo(left, y(value));
    pen.lineTo(width, y(value));
    pen.stroke();
    pen.fillStyle = colourOf("--muted");
    pen.fillText(value === 0.5 ? "0.5" : String(value), 2, y(value));
  }
  pen.setLineDash([4, 4]);
  for (const level of levels) {
    pen.strokeStyle = colourOf("--muted");
    pen.beginPath();
    pen.moveTo(left, y(level));
    pen.lineTo(width, y(level));
    pen.stroke();
  }
  pen.setLineDash([]);
  for (const line of lines) polyline(pen, line, x, y, gap);
  for (const mark of marks) {
    pen.strokeStyle = pen.fillStyle = colourOf("--text");
    pen.beginPath();
    pen.moveTo(x(mark.at), y(1));
    pen.lineTo(x(mark.at), y(0) + 3);
    pen.stroke();
    pen.textAlign = x(mark.at) > width - 60 ? "right" : "left";
    pen.fillText(mark.text, x(mark.at) + (pen.textAlign === "right" ? 3 : -3), height - 6);
    pen.textAlign = "left";
  }
}

function polyline(pen, line, x, y, gap) {
  pen.strokeStyle = colourOf(line.colour);
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  pen.beginPath();
  let before = -Infinity;
  for (const [at, value] of line.points) {
    if (at - before > gap) pen.moveTo(x(at), y(value));
    else pen.lineTo(x(at), y(value));
    before = at;
  }
  pen.stroke();
}
