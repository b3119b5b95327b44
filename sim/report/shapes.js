// Shapes: what is drawn on a canvas, in the colours of the sheet.

let ink = {};

function readInk() {
  const style = getComputedStyle(document.documentElement);
  const names = ["bg", "panel", "fg", "muted", "line", "faint", "ok", "refused", "unknown", "bad", "accent", "message",
    "down", "paused", "plugin", "cut", "link", "fault", "healed", "term0", "term1", "term2", "term3", "term4", "term5"];
  ink = Object.fromEntries(names.map((n) => [n, style.getPropertyValue("--" + n).trim()]));
  ink.link = ink.cut;
}

const termInk = (term) => ink["term" + ((term || 0) % 6)];
const sessionHues = [210, 330, 185, 20, 240, 55, 300, 0];
const sessionInk = (session) => (session ? `hsl(${sessionHues[(session - 1) % 8]} 75% ${50 + 12 * ((session >> 3) % 3)}%)` : ink.muted);

const font = "11px system-ui, sans-serif";
const lineHeight = 13; // no two texts of a column are closer
const fontBold = "600 11px system-ui, sans-serif";

function line(c, x0, y0, x1, y1) {
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
}

function cross(c, x, y, size) {
  line(c, x - size, y - size, x + size, y + size);
  line(c, x - size, y + size, x + size, y - size);
}

function arrowHead(c, x0, y0, x1, y1) {
  const turn = Math.atan2(y1 - y0, x1 - x0);
  c.beginPath();
  c.moveTo(x1, y1);
  c.lineTo(x1 - 7 * Math.cos(turn - 0.35), y1 - 7 * Math.sin(turn - 0.35));
  c.lineTo(x1 - 7 * Math.cos(turn + 0.35), y1 - 7 * Math.sin(turn + 0.35));
  c.fill();
}

// label writes a text on a plate, so that it can be read over lines: in so
// many lines at most, each of a width. It returns the box that it takes.
function label(c, text, x, y, widthMax, colour, lines = 1) {
  const rows = wrapped(c, text, widthMax, lines);
  if (!rows.length) return null;
  const width = Math.max(...rows.map((row) => c.measureText(row).width));
  const left = x - width * ({ center: 0.5, right: 1 }[c.textAlign] || 0);
  const box = { x: left - 2, y: y - 9, w: width + 4, h: lineHeight * rows.length };
  c.globalAlpha = 0.85;
  c.fillStyle = ink.panel;
  c.fillRect(box.x, box.y, box.w, box.h);
  c.globalAlpha = 1;
  c.fillStyle = colour;
  rows.forEach((row, i) => c.fillText(row, x, y + lineHeight * i));
  return box;
}

// wrapped breaks a text at its blanks; what is left over ends in three dots.
function wrapped(c, text, widthMax, lines) {
  const rows = [];
  let rest = text.slice(0, 300).trim();
  while (rest && rows.length < lines - 1) {
    const words = rest.split(/\s+/);
    let n = words.length;
    while (n > 1 && c.measureText(words.slice(0, n).join(" ")).width > widthMax) n--;
    const row = fitted(c, words.slice(0, n).join(" "), widthMax);
    if (row) rows.push(row);
    rest = words.slice(n).join(" ");
  }
  const last = rest && fitted(c, rest, widthMax);
  if (last) rows.push(last);
  return rows;
}

const apart = (a, b) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;

const fits = new Map(); // by text and width; emptied when it grows
const fitsMax = 5000;

function fitted(c, text, widthMax) {
  const key = (widthMax | 0) + c.font + text;
  let shown = fits.get(key);
  if (shown !== undefined) return shown;
  shown = text.replace(/\s+/g, " ").slice(0, 200);
  if (c.measureText(shown).width > widthMax) {
    let least = 0;
    let most = shown.length;
    while (least < most) {
      const mid = (least + most + 1) >> 1;
      if (c.measureText(shown.slice(0, mid) + "\u2026").width <= widthMax) least = mid;
      else most = mid - 1;
    }
    shown = least > 1 ? shown.slice(0, least) + "\u2026" : "";
  }
  if (fits.size > fitsMax) fits.clear();
  fits.set(key, shown);
  return shown;
}

// hatch fills a box with slanted lines: colour alone is not for everybody.
function hatch(c, x, y, w, h, colour) {
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.globalAlpha = 0.16;
  c.fillStyle = colour;
  c.fillRect(x, y, w, h);
  c.globalAlpha = 0.5;
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.beginPath();
  const first = Math.floor((y - w) / 9) * 9; // tied to the place, so that it stands still while scrolling
  for (let at = first; at < y + h; at += 9) {
    c.moveTo(x, at + w);
    c.lineTo(x + w, at);
  }
  c.stroke();
  c.restore();
}

// bar is one request: ok is solid, refused hollow, unknown dashed and open.
function bar(c, x, y0, y1, width, outcome, session) {
  const h = Math.max(4, y1 - y0);
  const colour = ink[outcome] || ink.muted;
  c.fillStyle = ink.panel;
  c.fillRect(x, y0, width, h);
  c.globalAlpha = outcome === "ok" ? 0.75 : 0.15;
  c.fillStyle = colour;
  c.fillRect(x, y0, width, h);
  c.globalAlpha = 1;
  c.strokeStyle = colour;
  c.lineWidth = 1.2;
  c.setLineDash(outcome === "unknown" ? [3, 2] : []);
  c.strokeRect(x + 0.5, y0 + 0.5, width - 1, h - 1);
  c.setLineDash([]);
  c.fillStyle = sessionInk(session);
  c.fillRect(x, y0, 3, h);
}

// sized makes a canvas as sharp as the screen, and returns its context.
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}
