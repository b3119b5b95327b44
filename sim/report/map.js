// The map: the whole run in a strip, and where the view is in it.

const mapPad = 4;

Object.assign(Diagram.prototype, {
  drawMap() {
    const width = els.map.clientWidth;
    const height = els.map.clientHeight;
    if (!width) return;
    if (!this.map) this.map = this.paintMap(width, height);
    const c = sized(els.map, width, height);
    c.drawImage(this.map, 0, 0, width, height);
    const scale = this.mapScale(height);
    const y = mapPad + this.scrollY * scale;
    const h = Math.max(6, (this.height - headHeight) * scale);
    c.globalAlpha = 0.15;
    c.fillStyle = ink.accent;
    c.fillRect(0, y, width, h);
    c.globalAlpha = 1;
    c.strokeStyle = ink.accent;
    c.lineWidth = 1.5;
    c.strokeRect(1, y, width - 2, h);
  },

  mapScale(height) {
    return (height - 2 * mapPad) / (this.axis.height() + 60);
  },

  // paintMap draws what does not move: faults, who coordinates, how much
  // happens, and where the proof is.
  paintMap(width, height) {
    const canvas = document.createElement("canvas");
    const c = sized(canvas, width, height);
    const scale = this.mapScale(height);
    const y = (t) => mapPad + (this.axis.y(t) + 16) * scale;
    const box = (from, to, x, w, colour, alpha) => {
      c.globalAlpha = alpha;
      c.fillStyle = colour;
      c.fillRect(x, y(from), w, Math.max(1, y(to) - y(from)));
      c.globalAlpha = 1;
    };
    for (const s of run.Spans) {
      if (s.Kind !== "link") box(s.From, endOf(s.To), 8, width - 8, ink[s.Kind], s.Kind === "fault" ? 0.14 : 0.2);
    }
    for (const r of run.Roles) if (r.Leads) box(r.From, endOf(r.To), 1, 5, termInk(r.Term), 0.9);
    this.paintDensity(c, width, height, y);
    for (const n of proof) {
      const o = opByNumber.get(n);
      if (o) {
        box(o.Call, opEnd(o), 8, width - 10, ink.bad, 0.4);
        box(o.Call, o.Call, 8, width - 10, ink.bad, 1);
      }
    }
    return canvas;
  },

  paintDensity(c, width, height, y) {
    const rows = new Float64Array(Math.ceil(height) + 1);
    for (const i of filter.hits) rows[y(events.At[i]) | 0]++;
    for (const o of filter.ops) rows[y(o.Call) | 0]++;
    const most = Math.max(1, ...rows);
    c.fillStyle = ink.muted;
    c.globalAlpha = 0.5;
    rows.forEach((n, at) => n && c.fillRect(10, at, Math.max(1, (width - 14) * (n / most)), 1));
    c.globalAlpha = 1;
  },

  mapTo(y) {
    const height = els.map.clientHeight;
    els.view.scrollTop = (y - mapPad) / this.mapScale(height) - (this.height - headHeight) / 2;
  },
});
