// The diagram: a column for each replica, time downward. Only what is in view
// is drawn; the box scrolls by itself, the canvas stays where it is.

const gutter = 92; // times, epochs
const headHeight = 30;
const laneMin = 64;
const barWidth = 8;
const messagesMax = 6000; // in view; beyond that they would be a grey mass

const els = Object.fromEntries(["view", "space", "canvas", "map", "tip", "filter", "hits", "lanes", "laneset", "groups", "details", "ops", "trace", "legend", "opcount", "tracecount", "scale"]
  .map((id) => [id, document.getElementById(id)]));

// A target is an event {event}, an operation {op}, or a span {span}.
const sameTarget = (a, b) => a && b && a.event === b.event && a.op === b.op && a.span === b.span;

class Diagram {
  constructor() {
    this.axis = new Axis();
    this.messages = new Intervals(run.Messages || [], (m) => events.At[m[0] < 0 ? m[1] : m[0]], (m) => events.At[m[1] < 0 ? m[0] : m[1]]);
    this.bars = new Intervals(placeBars(), (b) => b.Call, (b) => endOfBar(b));
    this.spans = new Intervals(run.Spans, (s) => s.From, (s) => endOf(s.To));
    this.roles = new Intervals(run.Roles, (r) => r.From, (r) => endOf(r.To));
    run.Spans.forEach((s, i) => (s.index = i));
    placeStrips(run.Spans);
    this.hot = [];
    this.selected = null;
    this.hovered = null;
    this.pending = false;
  }

  // layout follows a change of size, lanes, zoom or filter.
  layout() {
    this.width = els.view.clientWidth;
    this.height = els.view.clientHeight;
    const columns = [...filter.lanes, ...extraColumns];
    this.columns = columns.length;
    this.laneWidth = Math.max(laneMin, (this.width - gutter) / Math.max(1, this.columns));
    this.lifeline = Math.max(16, Math.min(44, this.laneWidth * 0.22));
    this.column = new Map(columns.map((r, i) => [r, i]));
    els.space.style.width = Math.floor(gutter + this.columns * this.laneWidth) + "px";
    els.space.style.height = Math.ceil(this.axis.height() + headHeight + 60) + "px";
    this.placeLabels();
    this.map = null;
    this.redraw();
  }

  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.draw();
    });
  }

  // left and x are the edge and the lifeline of a column; undefined if it is
  // not shown.
  left(replica) {
    const i = this.column.get(replica);
    return i === undefined ? undefined : gutter + i * this.laneWidth - this.scrollX;
  }

  x(replica) {
    const left = this.left(replica);
    return left === undefined ? undefined : left + this.lifeline;
  }

  y(t) {
    return this.axis.y(t) + headHeight + 16 - this.scrollY;
  }

  t(y) {
    return this.axis.t(y - headHeight - 16 + this.scrollY);
  }

  // room is how wide a text may be that begins at x: up to the next column's
  // line and what stands left of it.
  room(column, x) {
    const i = this.column.get(column);
    const end = i === this.columns - 1 ? gutter + this.columns * this.laneWidth - 6 : gutter + (i + 1) * this.laneWidth + this.lifeline - 22;
    return end - this.scrollX - x;
  }

  // placeLabels decides which events and operations get a text, and of how many
  // lines: those of the verdict first, and none upon another one.
  placeLabels() {
    this.labelled = new Uint8Array(eventCount);
    this.opLabelled = new Map();
    const rows = new Rows();
    const wide = this.laneWidth - 44;
    const bars = this.bars.items.filter((b) => this.column.has(b.Replica));
    const inProof = (b) => proof.includes(b.op.N);
    for (const b of [...bars.filter(inProof), ...bars.filter((b) => !inProof(b))]) {
      if (!filter.opHits.has(b.op.N) || !filter.groups[2]) continue;
      const lines = rows.take(b.Replica, this.axis.y(b.Call), linesOf(barText(b), wide));
      if (lines) this.opLabelled.set(b, lines);
    }
    for (const rank of [0, 1, 2]) {
      for (const i of filter.hits) {
        if (labelRank(i) === rank) this.labelled[i] = rows.take(columnOf(i), this.axis.y(events.At[i]), linesOf(labelText(i), wide));
      }
    }
  }

  draw() {
    const c = sized(els.canvas, this.width, this.height);
    this.scrollX = els.view.scrollLeft;
    this.scrollY = els.view.scrollTop;
    this.t0 = this.t(headHeight - 40);
    this.t1 = this.t(this.height + 40);
    this.hot = [];
    this.plates = [];
    c.font = font;
    c.textBaseline = "alphabetic";
    this.drawGrid(c);
    this.drawSpans(c);
    this.drawLifelines(c);
    this.drawMessages(c);
    this.drawBars(c);
    this.drawEvents(c);
    this.drawInForce(c);
    this.drawMessageTexts(c);
    this.drawHead(c);
    this.drawMap();
    if (this.drawn) this.drawn();
  }

  drawGrid(c) {
    c.fillStyle = ink.faint;
    c.fillRect(0, 0, gutter - 10, this.height);
    run.Epochs.forEach((e, i) => {
      const y0 = Math.max(headHeight, this.y(e.From));
      const y1 = Math.min(this.height, i + 1 < run.Epochs.length ? this.y(run.Epochs[i + 1].From) : this.height);
      if (y1 <= y0) return;
      c.globalAlpha = 0.7;
      c.fillStyle = termInk(i * 2 + 1);
      c.fillRect(0, y0, 5, y1 - y0);
      c.globalAlpha = 1;
      if (i > 0 && this.y(e.From) > headHeight) {
        c.strokeStyle = termInk(i * 2 + 1);
        c.lineWidth = 1.5;
        line(c, 0, y0, this.width, y0);
      }
      c.save();
      c.translate(15, y0 + 6);
      c.rotate(Math.PI / 2);
      c.fillStyle = ink.muted;
      c.fillText(fitted(c, `epoch ${e.Number}, ${e.Mode}`, y1 - y0 - 12), 0, 0);
      c.restore();
    });
    c.fillStyle = ink.muted;
    c.strokeStyle = ink.line;
    c.lineWidth = 1;
    c.textAlign = "right";
    const first = Math.floor(this.scrollY / 56) * 56;
    const end = Math.min(this.scrollY + this.height, this.axis.height() + 28);
    for (let y = first; y < end; y += 56) {
      const at = y - this.scrollY + headHeight + 16;
      c.fillText((this.axis.t(y) / 1e6).toFixed(4), gutter - 16, at + 4);
      c.globalAlpha = 0.5;
      line(c, gutter - 12, at, this.width, at);
      c.globalAlpha = 1;
    }
    c.textAlign = "left";
    if (run.Healed && run.Healed >= this.t0 && run.Healed <= this.t1) this.rule(c, run.Healed, ink.healed, "all faults are over");
  }

  // rule is a line through all columns, with a word.
  rule(c, t, colour, text) {
    const y = this.y(t);
    c.strokeStyle = colour;
    c.lineWidth = 1.5;
    c.setLineDash([6, 4]);
    line(c, gutter - 10, y, this.width, y);
    c.setLineDash([]);
    c.textAlign = "right";
    label(c, text, this.width - 8, y - 4, 300, colour);
    c.textAlign = "left";
  }

  drawSpans(c) {
    if (!filter.groups[6] && !filter.groups[4] && !filter.groups[5]) return;
    this.spans.each(this.t0, this.t1, (s) => {
      if (!filter.groups[groupOfSpan[s.Kind]]) return;
      const y0 = Math.max(headHeight, this.y(s.From));
      const y1 = Math.min(this.height, this.y(endOf(s.To)));
      if (y1 < headHeight) return;
      const h = Math.max(2, y1 - y0);
      if (s.strip !== undefined) this.drawStrip(c, s, y0, h);
      else this.drawShade(c, s, y0, h);
    });
  }

  drawShade(c, s, y0, h) {
    const left = this.left(s.Replica);
    if (left === undefined) return;
    const width = this.laneWidth - 3;
    const target = { span: s.index };
    if (s.Kind === "fault") {
      c.globalAlpha = 0.16;
      c.fillStyle = ink.fault;
      c.fillRect(left, y0, width, h);
      c.globalAlpha = 0.9;
      c.fillRect(left, y0, 2, h);
      c.globalAlpha = 1;
    } else {
      hatch(c, left, y0, width, h, ink[s.Kind]);
    }
    this.outline(c, target, left, y0, width, h);
    this.hot.push({ x: left, y: y0, w: width, h, target, weak: true });
  }

  // drawStrip is a fault beside a line: of the cluster whole, or a link that is
  // cut, beside the column of whose messages are lost. A link that is only
  // known to be down is thinner.
  drawStrip(c, s, y0, h) {
    const x = this.x(s.Replica || clusterColumn);
    if (x === undefined) return;
    const target = { span: s.index };
    const at = x - 7 - s.strip * 4;
    const width = s.Kind === "link" ? 1 : 3;
    c.fillStyle = ink[s.Kind];
    if (!s.Replica) {
      c.globalAlpha = 0.04; // many may lie on each other
      c.fillRect(gutter - 10, y0, this.width, h);
    }
    c.globalAlpha = 0.65;
    c.fillRect(at, y0, width, h);
    c.globalAlpha = 1;
    this.outline(c, target, at, y0, width, h);
    this.hot.push({ x: at - 1, y: y0, w: 5, h, target });
  }

  // drawInForce names the cluster's faults that began above the view.
  drawInForce(c) {
    const x = this.x(clusterColumn);
    if (x === undefined || !filter.groups[6]) return;
    const top = this.t(headHeight);
    let y = headHeight + 16;
    this.spans.each(top, top, (s) => {
      if (s.Replica || s.Kind !== "fault" || s.From >= top || endOf(s.To) <= top) return;
      const box = { x, y: y - 10, w: this.laneWidth, h: 14 };
      if (y > headHeight + 90 || !this.plates.every((p) => apart(p, box))) return;
      this.written(label(c, s.Text, x + 10, y, this.room(clusterColumn, x + 10), ink.muted), { span: s.index });
      y += 14;
    });
  }

  outline(c, target, x, y, w, h) {
    const selected = sameTarget(target, this.selected);
    if (!selected && !sameTarget(target, this.hovered)) return;
    c.strokeStyle = ink.accent;
    c.lineWidth = selected ? 2 : 1;
    c.strokeRect(x, y, w, h);
  }

  drawLifelines(c) {
    c.strokeStyle = ink.line;
    c.lineWidth = 2;
    for (const column of this.column.keys()) line(c, this.x(column), headHeight, this.x(column), this.height);
    this.headRoles = new Map();
    const top = this.t(headHeight + 2);
    this.roles.each(this.t0, this.t1, (role) => {
      const x = this.x(role.Replica);
      if (x === undefined) return;
      if (role.From <= top && endOf(role.To) >= top) this.headRoles.set(role.Replica, role);
      if (!filter.groups[3]) return;
      const y0 = Math.max(headHeight, this.y(role.From));
      const y1 = this.y(endOf(role.To));
      c.fillStyle = role.Leads ? termInk(role.Term) : ink.muted;
      const width = role.Leads ? 6 : 2;
      c.globalAlpha = role.Leads ? 0.9 : 0.6;
      c.fillRect(x - width / 2, y0, width, Math.max(2, y1 - y0));
      c.globalAlpha = 1;
    });
  }

  drawMessages(c) {
    if (!filter.groups[0]) return;
    const seen = [];
    this.messages.each(this.t0, this.t1, (m) => seen.length <= messagesMax && seen.push(m));
    this.texts = [];
    this.crowded = seen.length > messagesMax;
    if (this.crowded) return;
    const faint = seen.length > 1500 ? 0.25 : seen.length > 400 ? 0.45 : 0.8;
    for (const m of seen) this.drawMessage(c, m, faint, seen.length < 150);
  }

  drawMessage(c, [from, to], faint, texts) {
    const i = from < 0 ? to : from;
    const lost = to >= 0 && kindOf(to) === "lost";
    const sender = from < 0 ? events.Peer[to] : events.Replica[from];
    const receiver = from < 0 ? events.Replica[to] : events.Peer[from];
    let x0 = this.x(sender);
    let x1 = this.x(receiver);
    if (x0 === undefined && x1 === undefined) return;
    let y0 = this.y(events.At[i]);
    let y1 = to < 0 ? y0 + 12 : this.y(events.At[to]);
    if (x0 === undefined || from < 0) [x0, y0] = [x1 + (sender > receiver ? 18 : -18), y1 - 5];
    if (x1 === undefined) [x1, y1] = [x0 + (receiver > sender ? 18 : -18), y0 + 5];
    if (sender === receiver) x1 = x0 + 14;
    if (to < 0 || lost) [x1, y1] = [x0 + (x1 - x0) * 0.7, lost ? y0 + Math.max(6, (y1 - y0) * 0.7) : y1];
    const chosen = this.isChosen(from) || this.isChosen(to);
    const hit = (from >= 0 && filter.hit[from]) || (to >= 0 && filter.hit[to]);
    c.globalAlpha = chosen ? 1 : hit ? faint : 0.08;
    c.strokeStyle = c.fillStyle = chosen ? ink.accent : lost ? ink.bad : ink.message;
    c.lineWidth = chosen ? 2 : 1;
    if (to < 0 || lost) c.setLineDash([4, 3]);
    line(c, x0, y0, x1, y1);
    if (to < 0 || lost) c.setLineDash([]);
    if (lost) cross(c, x1, y1, 4);
    else if (to >= 0 && faint > 0.3) arrowHead(c, x0, y0, x1, y1);
    c.globalAlpha = 1;
    if (hit) this.hot.push({ x0, y0, x1, y1, target: { event: from < 0 ? to : from } });
    const part = Math.min(0.5, this.laneWidth / 2 / Math.abs(x1 - x0));
    if (texts && hit && this.column.has(sender) && this.column.has(receiver) && tells(textOf(i))) this.texts.push({ i, x: x0 + part * (x1 - x0), y: y0 + part * (y1 - y0) + 3 });
  }

  isChosen(event) {
    return event >= 0 && ((this.selected && this.selected.event === event) || (this.hovered && this.hovered.event === event));
  }

  // drawMessageTexts writes what messages say where nothing else is written.
  drawMessageTexts(c) {
    if (!filter.groups[0]) return;
    c.textAlign = "center";
    for (const { i, x, y } of this.texts) {
      const text = fitted(c, textOf(i), this.laneWidth - 40);
      const width = c.measureText(text).width;
      const box = { x: x - width / 2 - 3, y: y - 11, w: width + 6, h: 15 };
      if (!text || !this.plates.every((p) => apart(p, box))) continue;
      this.plates.push(box);
      label(c, text, x, y, this.laneWidth, ink.muted);
    }
    c.textAlign = "left";
  }

  // written notes where a text stands, and what it belongs to.
  written(box, target) {
    if (!box) return;
    this.plates.push(box);
    this.hot.push({ ...box, target });
  }

  drawBars(c) {
    this.proofInView = new Set();
    if (!filter.groups[2]) return;
    const later = [];
    this.bars.each(this.t0, this.t1, (b) => {
      if (!this.column.has(b.Replica)) return;
      if (proof.includes(b.op.N)) later.push(b);
      else this.drawBar(c, b);
    });
    for (const b of later) this.drawBar(c, b);
  }

  drawBar(c, b) {
    const x = this.x(b.Replica) + 8 + b.track * (barWidth + 2);
    const y0 = this.y(b.Call);
    const y1 = b.Return < 0 ? y0 + 34 : this.y(b.Return);
    const rank = proof.indexOf(b.op.N) + 1;
    const target = { op: b.op.N };
    const selected = sameTarget(this.selected, target) || sameTarget(this.hovered, target);
    const hit = filter.opHits.has(b.op.N);
    if (!hit && !rank && !selected) c.globalAlpha = 0.15;
    if (rank) {
      c.fillStyle = ink.bad;
      c.globalAlpha = 0.22;
      c.fillRect(x - 6, y0 - 6, barWidth + 12, Math.max(4, y1 - y0) + 12);
      c.globalAlpha = 1;
    }
    if (hit || rank || selected) bar(c, x, y0, y1, barWidth, b.Outcome, b.op.Session);
    else c.fillRect(x, y0, 2, Math.max(4, y1 - y0));
    c.globalAlpha = 1;
    if (rank || selected) {
      c.strokeStyle = selected ? ink.accent : ink.bad;
      c.lineWidth = 2;
      c.strokeRect(x - 3, y0 - 3, barWidth + 6, Math.max(4, y1 - y0) + 6);
    }
    if (rank && y1 >= headHeight && y0 <= this.height) this.proofInView.add(b.op.N);
    this.hot.push({ x: x - 3, y: y0 - 3, w: barWidth + 6, h: Math.max(4, y1 - y0) + 6, target });
    if (this.opLabelled.has(b) || selected) this.barLabel(c, b, x, y0, rank);
  }

  barLabel(c, b, x, y0, rank) {
    const at = x + barWidth + 6;
    c.font = rank ? fontBold : font;
    const box = label(c, barText(b), at, y0 + 8, this.room(b.Replica, at), rank ? ink.bad : ink[b.Outcome] || ink.fg, this.opLabelled.get(b) || 1);
    c.font = font;
    this.written(box, { op: b.op.N });
  }

  drawEvents(c) {
    for (let i = lowerBound(events.At || [], this.t0); i < eventCount && events.At[i] <= this.t1; i++) {
      if (!filter.shown[i]) continue;
      const x = this.x(columnOf(i));
      if (x === undefined) continue;
      const chosen = this.isChosen(i);
      c.globalAlpha = filter.hit[i] || chosen ? 1 : 0.15;
      this.drawEvent(c, i, x, this.y(events.At[i]), chosen);
      c.globalAlpha = 1;
    }
  }

  drawEvent(c, i, x, y, chosen) {
    const kind = kindOf(i);
    const group = groupOf(i);
    if (kind === "violation") return this.rule(c, events.At[i], ink.bad, textOf(i));
    c.fillStyle = c.strokeStyle = chosen ? ink.accent : eventInk(kind, group);
    c.lineWidth = 1.5;
    drawMark(c, kind, group, x, y);
    if (chosen) {
      c.lineWidth = 2;
      c.beginPath();
      c.arc(x, y, 7, 0, 7);
      c.stroke();
    }
    if (filter.hit[i] && group !== 0) this.hot.push({ x: x - 6, y: y - 5, w: 12, h: 10, target: { event: i } });
    if (this.labelled[i] || (chosen && group !== 0)) this.eventLabel(c, i, x, y);
  }

  eventLabel(c, i, x, y) {
    const at = x + (events.Replica[i] && !isOrder(i) ? 18 : 10);
    const box = label(c, labelText(i), at, y + 4, this.room(columnOf(i), at), ink.muted, this.labelled[i] || 1);
    this.written(box, { event: i });
  }

  drawHead(c) {
    c.fillStyle = ink.panel;
    c.fillRect(0, 0, this.width, headHeight);
    c.strokeStyle = ink.line;
    c.lineWidth = 1;
    line(c, 0, headHeight + 0.5, this.width, headHeight + 0.5);
    c.fillStyle = ink.muted;
    c.fillText(this.crowded ? "zoom in: messages" : "seconds", 6, 19);
    for (const r of filter.lanes) {
      const left = this.left(r) + this.lifeline - 10;
      const role = this.headRoles.get(r);
      c.font = fontBold;
      c.fillStyle = ink.fg;
      c.fillText(name(r), left, 19);
      const used = c.measureText(name(r)).width + 8;
      c.font = font;
      if (!role) continue;
      c.fillStyle = role.Leads ? termInk(role.Term) : ink.muted;
      const room = this.laneWidth - used - 4;
      const short = role.Leads && role.Term ? "term " + role.Term : role.Text.split(",")[0];
      c.fillText(fitted(c, c.measureText(role.Text).width > room ? short : role.Text, room), left + used, 19);
    }
    c.fillStyle = ink.muted;
    for (const column of extraColumns) c.fillText(column, this.x(column) - 10, 19);
  }
}

// Rows are the lines of text of each column: where one stands there is no
// room for another.
class Rows {
  constructor() {
    this.columns = new Map();
  }

  isFree(rows, y) {
    const slot = Math.floor(y / 14);
    for (let s = slot - 1; s <= slot + 1; s++) if (Math.abs((rows.get(s) ?? -99) - y) < 13) return false;
    return true;
  }

  // take takes up to so many lines from a height on, and says how many: 0 none.
  take(column, y, lines) {
    const rows = this.columns.get(column) || this.columns.set(column, new Map()).get(column);
    let n = 0;
    for (; n < lines && this.isFree(rows, y + 13 * n); n++);
    for (let k = 0; k < n; k++) rows.set(Math.floor((y + 13 * k) / 14), y + 13 * k);
    return n;
  }
}

const linesMax = 3; // of one text
const linesOf = (text, width) => Math.min(linesMax, Math.ceil((text.length * 5.9) / width));

function barText(b) {
  const rank = proof.indexOf(b.op.N) + 1;
  const session = b.op.Session ? "s" + b.op.Session + " " : "";
  return `${rank ? "proof " + rank + ": " : ""}#${b.op.N} ${session}${b.op.What}: ${b.Text || b.op.Answer || b.Outcome}`;
}

function labelText(i) {
  const kind = kindOf(i);
  const plain = kind === "stored" || kind === "note" || kind === "role" || groupOf(i) >= 6;
  const to = isOrder(i) && events.Replica[i] ? name(events.Replica[i]) + ": " : "";
  return to + (plain ? textOf(i) : `${kind} ${eventText(i)}`);
}

// tells reports whether a message's text says more than its size.
const tells = (text) => text !== "" && !/^[a-z]+, \d+ bytes$/.test(text);

const groupOfSpan = { down: 4, paused: 4, plugin: 4, cut: 5, link: 5, fault: 6 };

// labelRank: which events are worth a text, and in which order; -1: none.
function labelRank(i) {
  const group = groupOf(i);
  if (group === 4 || group === 6) return 0;
  if (group === 3 || group === 7 || group === 5) return 1;
  if (group === 8 || kindOf(i) === "stored") return 2;
  return -1;
}

function eventInk(kind, group) {
  if (kind === "crashed" || kind === "failed" || kind === "plugin down" || kind === "lost") return ink.bad;
  if (kind === "booted" || kind === "plugin up") return ink.ok;
  if (group === 6) return ink.fault;
  if (group === 5) return ink.cut;
  if (group === 7) return ink.accent;
  return kind === "stored" ? ink.fg : ink.muted;
}

function drawMark(c, kind, group, x, y) {
  if (kind === "crashed" || kind === "failed" || kind === "plugin down" || kind === "stopped") return cross(c, x, y, 5);
  if (kind === "synced") return c.fillRect(x - 4, y - 1, 8, 2);
  if (kind === "stepped") return c.fillRect(x - 2, y - 0.5, 4, 1);
  if (group === 0) return c.fillRect(x - 1.5, y - 1.5, 3, 3);
  c.beginPath();
  if (group === 6 || group === 7 || kind === "booted" || kind === "plugin up") {
    c.moveTo(x - 5, y - 4);
    c.lineTo(x + 5, y);
    c.lineTo(x - 5, y + 4);
  } else {
    c.arc(x, y, group === 2 ? 2 : 3, 0, 7);
  }
  c.fill();
}

// placeBars makes a bar for each try, beside each other where they overlap.
function placeBars() {
  const bars = [];
  for (const o of run.Ops) {
    for (const t of opTries(o)) bars.push({ op: o, Replica: t.Replica, Call: t.Call, Return: t.Return, Outcome: t.Outcome, Text: t.Text, track: 0 });
  }
  bars.sort((a, b) => a.Call - b.Call);
  const tracks = new Map();
  for (const b of bars) {
    const ends = tracks.get(b.Replica) || tracks.set(b.Replica, [-1, -1, -1, -1]).get(b.Replica);
    b.track = Math.max(0, ends.findIndex((end) => end < b.Call));
    ends[b.track] = endOfBar(b);
  }
  return bars;
}

const endOfBar = (b) => (b.Return < 0 ? b.Call : b.Return);

// placeStrips puts the cuts of one replica beside each other, and so the faults
// of the cluster.
function placeStrips(spans) {
  const ends = new Map();
  for (const s of spans) {
    if (s.Kind !== "cut" && s.Kind !== "link" && (s.Kind !== "fault" || s.Replica)) continue;
    const strips = ends.get(s.Replica) || ends.set(s.Replica, [-1, -1, -1]).get(s.Replica);
    s.strip = Math.max(0, strips.findIndex((end) => end <= s.From));
    strips[s.strip] = endOf(s.To);
  }
}
