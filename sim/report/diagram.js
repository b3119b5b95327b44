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
    this.columns = filter.lanes.length + (supervised ? 1 : 0);
    this.laneWidth = Math.max(laneMin, (this.width - gutter) / Math.max(1, this.columns));
    this.lifeline = Math.max(16, Math.min(44, this.laneWidth * 0.22));
    this.column = new Map(filter.lanes.map((r, i) => [r, i]));
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

  // left and x are the edge and the lifeline of a replica's column; undefined
  // if it is not shown. The supervisor's is the last.
  left(replica) {
    const i = this.column.get(replica);
    return i === undefined ? undefined : gutter + i * this.laneWidth - this.scrollX;
  }

  x(replica) {
    const left = this.left(replica);
    return left === undefined ? undefined : left + this.lifeline;
  }

  supervisorX() {
    return gutter + filter.lanes.length * this.laneWidth - this.scrollX + this.lifeline;
  }

  y(t) {
    return this.axis.y(t) + headHeight + 16 - this.scrollY;
  }

  t(y) {
    return this.axis.t(y - headHeight - 16 + this.scrollY);
  }

  eventX(i) {
    if (supervised && isOrder(i)) return this.supervisorX();
    const r = events.Replica[i];
    return r ? this.x(r) : gutter - 6;
  }

  // placeLabels decides which events and operations get a text: those of the
  // verdict first, and none upon another one.
  placeLabels() {
    this.labelled = new Uint8Array(eventCount);
    this.opLabelled = new Set();
    const taken = new Map();
    const free = (lane, y) => {
      const slot = Math.floor(y / 14);
      const lines = taken.get(lane) || taken.set(lane, new Map()).get(lane);
      for (let s = slot - 1; s <= slot + 1; s++) if (Math.abs((lines.get(s) ?? -99) - y) < 13) return false;
      lines.set(slot, y);
      return true;
    };
    const bars = this.bars.items.filter((b) => this.column.has(b.Replica));
    const inProof = (b) => proof.includes(b.op.N);
    for (const b of [...bars.filter(inProof), ...bars.filter((b) => !inProof(b))]) {
      if (filter.opHits.has(b.op.N) && filter.groups[2] && free(b.Replica, this.axis.y(b.Call))) this.opLabelled.add(b);
    }
    for (const rank of [0, 1, 2]) {
      for (const i of filter.hits) {
        if (labelRank(i) !== rank) continue;
        if (free(isOrder(i) ? -1 : events.Replica[i], this.axis.y(events.At[i]))) this.labelled[i] = 1;
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
    c.font = font;
    c.textBaseline = "alphabetic";
    this.drawGrid(c);
    this.drawSpans(c);
    this.drawLifelines(c);
    this.drawMessages(c);
    this.drawBars(c);
    this.drawEvents(c);
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
    for (let y = first; y < this.scrollY + this.height; y += 56) {
      const at = y - this.scrollY + headHeight + 16;
      c.fillText((this.axis.t(y) / 1000).toFixed(2), gutter - 16, at + 4);
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
      if (s.Kind === "cut" || s.Kind === "link") this.drawStrip(c, s, y0, h);
      else this.drawShade(c, s, y0, h);
    });
  }

  drawShade(c, s, y0, h) {
    const left = s.Replica ? this.left(s.Replica) : gutter - 10;
    if (left === undefined) return;
    const width = s.Replica ? this.laneWidth - 3 : this.width - gutter + 10;
    const target = { span: run.Spans.indexOf(s) };
    if (s.Kind === "fault") {
      c.globalAlpha = s.Replica ? 0.16 : 0.09;
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

  // drawStrip is a link that is cut: beside both of its ends.
  drawStrip(c, s, y0, h) {
    const target = { span: run.Spans.indexOf(s) };
    for (const r of s.Kind === "cut" ? [s.Replica, s.Peer] : [s.Replica]) {
      const x = this.x(r);
      if (x === undefined) continue;
      const at = x - 7 - (s.strip % 3) * 4;
      c.globalAlpha = r === s.Replica ? 0.8 : 0.35;
      c.fillStyle = ink[s.Kind];
      c.fillRect(at, y0, s.Kind === "cut" ? 3 : 1, h);
      c.globalAlpha = 1;
      this.outline(c, target, at, y0, 3, h);
      this.hot.push({ x: at - 1, y: y0, w: 5, h, target });
    }
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
    for (const r of filter.lanes) line(c, this.x(r), headHeight, this.x(r), this.height);
    if (supervised) line(c, this.supervisorX(), headHeight, this.supervisorX(), this.height);
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
    this.crowded = seen.length > messagesMax;
    if (this.crowded) return;
    const faint = seen.length > 1500 ? 0.25 : seen.length > 400 ? 0.45 : 0.8;
    const texts = new Set(); // rows that have one
    for (const m of seen) this.drawMessage(c, m, faint, seen.length < 150 ? texts : null);
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
    const chosen = [from, to].some((e) => e >= 0 && (sameTarget(this.selected, { event: e }) || sameTarget(this.hovered, { event: e })));
    const hit = (from >= 0 && filter.hit[from]) || (to >= 0 && filter.hit[to]);
    c.globalAlpha = chosen ? 1 : hit ? faint : 0.08;
    c.strokeStyle = c.fillStyle = chosen ? ink.accent : lost ? ink.bad : ink.message;
    c.lineWidth = chosen ? 2 : 1;
    c.setLineDash(to < 0 || lost ? [4, 3] : []);
    line(c, x0, y0, x1, y1);
    c.setLineDash([]);
    if (lost) cross(c, x1, y1, 4);
    else if (to >= 0 && faint > 0.3) arrowHead(c, x0, y0, x1, y1);
    c.globalAlpha = 1;
    if (hit) this.hot.push({ x0, y0, x1, y1, target: { event: from < 0 ? to : from }, other: to });
    if (texts && hit && textOf(i)) this.messageText(c, i, (x0 + x1) / 2, (y0 + y1) / 2, Math.abs(x1 - x0), texts);
  }

  messageText(c, i, x, y, room, taken) {
    const row = Math.round(y / 13) + ":" + Math.round(x / 60);
    if (room < 70 || taken.has(row)) return;
    taken.add(row);
    c.textAlign = "center";
    label(c, textOf(i), x, y + 3, Math.min(room - 30, 150), ink.muted);
    c.textAlign = "left";
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
    this.hot.push({ x: x - 3, y: y0 - 3, w: barWidth + 6, h: Math.max(4, y1 - y0) + 6, target, strong: true });
    if (this.opLabelled.has(b) || selected) this.barLabel(c, b, x, y0, rank);
  }

  barLabel(c, b, x, y0, rank) {
    const at = this.left(b.Replica);
    const room = at + this.laneWidth - 6 - (x + barWidth + 6);
    c.font = rank ? fontBold : font;
    const text = `${rank ? "proof " + rank + ": " : ""}#${b.op.N} ${b.op.Session ? "s" + b.op.Session + " " : ""}${b.op.What} ${b.Text || b.op.Answer || b.Outcome}`;
    const width = label(c, text, x + barWidth + 6, y0 + 8, room, rank ? ink.bad : ink[b.Outcome] || ink.fg);
    c.font = font;
    if (width) this.hot.push({ x: x + barWidth + 4, y: y0 - 2, w: width + 4, h: 13, target: { op: b.op.N }, strong: true });
  }

  drawEvents(c) {
    for (let i = lowerBound(events.At || [], this.t0); i < eventCount && events.At[i] <= this.t1; i++) {
      if (!filter.shown[i]) continue;
      const x = this.eventX(i);
      if (x === undefined) continue;
      const chosen = sameTarget(this.selected, { event: i });
      c.globalAlpha = filter.hit[i] || chosen ? 1 : 0.15;
      this.drawEvent(c, i, x, this.y(events.At[i]), chosen || sameTarget(this.hovered, { event: i }));
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
    if (this.labelled[i] || (chosen && group !== 0)) this.eventLabel(c, i, x, y, kind);
  }

  eventLabel(c, i, x, y, kind) {
    const text = kind === "stored" || kind === "note" || kind === "role" || groupOf(i) >= 6 ? textOf(i) : `${kind} ${eventText(i)}`;
    const wide = supervised && isOrder(i) ? this.laneWidth : events.Replica[i] ? this.laneWidth - this.lifeline - 14 : 260;
    const tracks = 10 + (events.Replica[i] ? barWidth : 0);
    const width = label(c, (isOrder(i) && events.Replica[i] ? name(events.Replica[i]) + ": " : "") + text, x + tracks, y + 4, wide - 12, ink.muted);
    if (width) this.hot.push({ x: x + tracks - 2, y: y - 7, w: width + 4, h: 13, target: { event: i } });
  }

  drawHead(c) {
    c.fillStyle = ink.panel;
    c.fillRect(0, 0, this.width, headHeight);
    c.strokeStyle = ink.line;
    c.lineWidth = 1;
    line(c, 0, headHeight + 0.5, this.width, headHeight + 0.5);
    c.fillStyle = ink.muted;
    c.fillText(this.crowded ? "zoom in: messages" : "ms", 6, 19);
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
      c.fillText(fitted(c, role.Text, this.laneWidth - this.lifeline - used), left + used, 19);
    }
    if (!supervised) return;
    c.fillStyle = ink.muted;
    c.fillText("supervisor", this.supervisorX() - 10, 19);
  }
}

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

// placeStrips puts the cuts of one replica beside each other.
function placeStrips(spans) {
  const ends = new Map();
  for (const s of spans) {
    if (s.Kind !== "cut" && s.Kind !== "link") continue;
    const lanes = ends.get(s.Replica) || ends.set(s.Replica, [-1, -1, -1]).get(s.Replica);
    s.strip = Math.max(0, lanes.findIndex((end) => end <= s.From));
    lanes[s.strip] = endOf(s.To);
  }
}
