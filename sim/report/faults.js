// Faults: what lasts, as shades of a column or as strips beside it.

Object.assign(Diagram.prototype, {
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
  },

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
  },

  // drawStrip is a fault beside a line: of the cluster whole, or of a link; one
  // that is cut is beside the column of whose messages are lost. A link that is
  // only known to be down is thinner.
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
  },

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
  },
});

const groupOfSpan = { down: 4, paused: 4, plugin: 4, cut: 5, link: 5, fault: 6 };

// placeStrips puts the cuts and other faults of one replica's links beside each
// other, and so the faults of the cluster.
function placeStrips(spans) {
  const ends = new Map();
  for (const s of spans) {
    if (s.Kind !== "cut" && s.Kind !== "link" && (s.Kind !== "fault" || (s.Replica && !s.Peer))) continue;
    const strips = ends.get(s.Replica) || ends.set(s.Replica, [-1, -1, -1]).get(s.Replica);
    s.strip = Math.max(0, strips.findIndex((end) => end <= s.From));
    strips[s.strip] = endOf(s.To);
  }
}
