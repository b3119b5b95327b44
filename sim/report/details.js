// Details: all that is known of one thing, as text and links.

const at = (t) => seconds(t) + " s";

function showDetails(target, go) {
  const box = els.details;
  if (!target) box.replaceChildren(...helpParts());
  else if (target.op !== undefined) box.replaceChildren(...opParts(opByNumber.get(target.op), go));
  else if (target.span !== undefined) box.replaceChildren(...spanParts(run.Spans[target.span]));
  else box.replaceChildren(...eventParts(target.event, go));
}

function helpParts() {
  const keys = [["j k, arrows", "next, previous event"], ["n", "next operation of the proof"], ["/", "filter"], ["+ -", "zoom; also Ctrl and wheel"], ["0", "the whole run"], ["t", "time to scale"], ["Esc", "let go"]];
  const list = el("dl");
  for (const [key, words] of keys) list.append(el("dt", "", el("kbd", "", key)), el("dd", "", words));
  return [el("h3", "", "Point at anything, or press it"), el("p", "muted", "Time runs downward, in seconds; where nothing happens it is shortened. Columns are replicas."), list];
}

function facts(pairs) {
  const list = el("dl");
  for (const [key, value] of pairs) {
    if (value !== "" && value !== undefined) list.append(el("dt", "", key), el("dd", "", value));
  }
  return list;
}

function jump(text, target, go) {
  const a = el("a", "", text);
  a.href = target.op !== undefined ? "#op-" + target.op : "#event-" + (events.First + target.event + 1);
  a.addEventListener("click", (e) => {
    e.preventDefault();
    go(target);
  });
  return a;
}

function opParts(o, go) {
  const rank = proof.indexOf(o.N) + 1;
  const parts = [
    el("h3", "", `Operation ${o.N}: ${o.What}`),
    facts([
      ["proof", rank ? `${rank} of ${proof.length}` : ""], ["session", o.Session ? "s" + o.Session : "none"], ["at", name(o.Replica)],
      ["called", at(o.Call)], ["returned", o.Return < 0 ? "never" : at(o.Return)], ["took", opTook(o)],
      ["outcome", el("span", o.Outcome, o.Outcome)], ["answer", o.Answer || ""],
    ]),
  ];
  if (o.More) parts.push(el("pre", "", o.More));
  if (o.Tries) {
    parts.push(el("h3", "", o.Tries.length === 1 ? "Its one try" : `Its ${o.Tries.length} tries`));
    for (const t of o.Tries) {
      const end = t.Return < 0 ? "no answer" : `until ${at(t.Return)}`;
      parts.push(el("p", "", `${name(t.Replica)} at ${at(t.Call)}, ${end}: `, el("span", t.Outcome, t.Outcome), ` ${t.Text || ""}`));
    }
  }
  return parts.concat(opEvents(o, go));
}

function opEvents(o, go) {
  const found = [];
  for (let i = 0; i < eventCount && found.length < 50; i++) if (events.Op[i] === o.N) found.push(i);
  if (!found.length) return [];
  return [el("h3", "", "Its events"), ...found.map((i) => el("div", "", jump(`${at(events.At[i])} ${name(events.Replica[i])} ${kindOf(i)} ${textOf(i)}`, { event: i }, go)))];
}

function eventParts(i, go) {
  const op = opByNumber.get(events.Op[i]);
  const parts = [
    el("h3", "", kindOf(i)),
    facts([["event", String(events.First + i + 1)], ["time", at(events.At[i])], ["replica", name(events.Replica[i])], ["peer", name(events.Peer[i])]]),
  ];
  if (textOf(i)) parts.push(el("pre", "", textOf(i)));
  for (const j of mates.get(i) || []) {
    const took = Math.abs(events.At[j] - events.At[i]);
    parts.push(el("div", "", jump(`${kindOf(j)} ${name(events.Replica[j])}, ${at(events.At[j])}`, { event: j }, go), ` ${ms(took)} ${j > i ? "later" : "earlier"}`));
  }
  if (op) parts.push(el("div", "", jump(opText(op), { op: op.N }, go)));
  return parts;
}

function spanParts(s) {
  return [el("h3", "", s.Kind), facts([["from", at(s.From)], ["to", s.To < 0 ? "the end" : at(s.To)], ["lasts", ms(endOf(s.To) - s.From)], ["replica", name(s.Replica)], ["peer", name(s.Peer)]]), el("pre", "", s.Text)];
}

// tipText is what is shown while the mouse rests on a target.
function tipText(target) {
  if (target.op !== undefined) {
    const o = opByNumber.get(target.op);
    return `${opText(o)}\n${at(o.Call)}, ${o.Return < 0 ? "no answer" : "took " + opTook(o)}`;
  }
  if (target.span !== undefined) {
    const s = run.Spans[target.span];
    const where = s.Peer ? `${name(s.Replica)} to ${name(s.Peer)}: ` : s.Replica ? name(s.Replica) + ": " : "";
    return `${where}${s.Text}\n${at(s.From)} to ${s.To < 0 ? "the end" : at(s.To)}`;
  }
  const i = target.event;
  const ends = (mates.get(i) || []).map((j) => `\n${kindOf(j)} ${name(events.Replica[j])} ${at(events.At[j])}`);
  return `${name(events.Replica[i])} ${kindOf(i)} ${eventText(i)}\n${at(events.At[i])}${ends.join("")}`;
}
