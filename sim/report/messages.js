// Messages: slanted lines from where they are sent to where they arrive.

Object.assign(Diagram.prototype, {
  drawMessages(c) {
    if (!filter.groups[0]) return;
    const seen = [];
    this.messages.each(this.t0, this.t1, (m) => seen.length <= messagesMax && seen.push(m));
    this.texts = [];
    this.crowded = seen.length > messagesMax;
    if (this.crowded) return;
    const faint = Math.max(0.06, Math.min(0.8, 400 / seen.length));
    for (const m of seen) this.drawMessage(c, m, faint, seen.length < 150);
  },

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
  },

  isChosen(event) {
    return event >= 0 && ((this.selected && this.selected.event === event) || (this.hovered && this.hovered.event === event));
  },

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
  },
});

// tells reports whether a message's text says more than its size.
const tells = (text) => text !== "" && !/^[a-z]+, \d+ bytes$/.test(text);
