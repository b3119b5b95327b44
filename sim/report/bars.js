// Bars: a request each, beside the replica that it went to.

Object.assign(Diagram.prototype, {
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
  },

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
  },

  barLabel(c, b, x, y0, rank) {
    const at = x + barWidth + 6;
    c.font = rank ? fontBold : font;
    const box = label(c, barText(b), at, y0 + 8, this.room(b.Replica, at), rank ? ink.bad : ink[b.Outcome] || ink.fg, this.opLabelled.get(b) || 1);
    c.font = font;
    this.written(box, { op: b.op.N });
  },
});

function barText(b) {
  const rank = proof.indexOf(b.op.N) + 1;
  const session = b.op.Session ? "s" + b.op.Session + " " : "";
  return `${rank ? "proof " + rank + ": " : ""}#${b.op.N} ${session}${b.op.What}: ${b.Text || b.op.Answer || b.Outcome}`;
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
