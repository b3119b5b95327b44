// Marks: events at a replica's line, and the texts beside them.

Object.assign(Diagram.prototype, {
  drawEvents(c) {
    const first = lowerBound(events.At || [], this.t0);
    const last = lowerBound(events.At || [], this.t1);
    const dense = last - first > marksMax;
    for (let i = first; i < last; i++) {
      if (!filter.shown[i] || (dense && groupOf(i) <= 1 && !this.isChosen(i) && !this.labelled[i])) continue;
      const x = this.x(columnOf(i));
      if (x === undefined) continue;
      const chosen = this.isChosen(i);
      c.globalAlpha = filter.hit[i] || chosen ? 1 : 0.15;
      this.drawEvent(c, i, x, this.y(events.At[i]), chosen);
      c.globalAlpha = 1;
    }
  },

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
  },

  eventLabel(c, i, x, y) {
    const at = x + (events.Replica[i] && !isOrder(i) ? 18 : 10);
    const box = label(c, labelText(i), at, y + 4, this.room(columnOf(i), at), ink.muted, this.labelled[i] || 1);
    this.written(box, { event: i });
  },
});

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

// orderText is an order, with all to whom it is given at the same moment.
function orderText(i) {
  const [, first, order] = /^r(\d+): (.*)$/s.exec(textOf(i)) || [];
  if (!order) return textOf(i);
  const to = [Number(first)];
  for (let j = i + 1; j < eventCount && events.At[j] === events.At[i]; j++) {
    const [, next, same] = /^r(\d+): (.*)$/s.exec(textOf(j)) || [];
    if (isOrder(j) && same === order) to.push(Number(next));
  }
  return `${lanesText(to)}: ${order}`;
}

function labelText(i) {
  const kind = kindOf(i);
  if (isOrder(i)) return orderText(i);
  if (kind === "fault over") return "over: " + textOf(i);
  const plain = kind === "stored" || kind === "note" || kind === "role" || groupOf(i) >= 6;
  return plain ? textOf(i) : `${kind} ${eventText(i)}`;
}
