// The diagram: a column for each replica, time downward. Only what is in view
// is drawn; the box scrolls by itself, the canvas stays where it is.

const gutter = 92; // times, epochs
const headHeight = 30;
const laneMin = 64;
const barWidth = 8;
const messagesMax = 6000; // in view; beyond that they would be a grey mass
const marksMax = 2500; // in view; beyond that batches and messages leave no marks

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
