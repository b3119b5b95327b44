#!/usr/bin/env node
//
// A mode of consequor in JavaScript: one file, Node.js 18 or later, no package.
//
// solo is good for a cluster of one replica, and says so. Posts get the ids 1,
// 2, 3 ...; each is answered once it is on the replica's disk, and every read
// shows all of them. It shows that a mode needs no Go: everything it knows of
// its host is in modes/modeplugin/mode.proto.
//
//	class Solo          the mode: batches of events in, effects out
//	schema, encode ...  protocol buffers, as much as mode.proto needs
//	openMachine         batches: frames on a unix socket, one for each replica
//	serve               the gRPC service: Describe, Control, Open, and health
//	makeCertificate     who we are, for the handshake's mutual TLS
//	main                the handshake
//
// A plugin runs with an empty environment, from a private copy of its file. env
// finds node in /bin and /usr/bin then; where node is elsewhere, name it in the
// first line by its whole path. The copy's name has no ending, which is why
// this is a CommonJS file.
'use strict';

const crypto = require('node:crypto');
const http2 = require('node:http2');
const net = require('node:net');
const path = require('node:path');

const description = {
  name: 'solo',
  version: '1',
  promise: 'One order of all articles, on the one disk there is. An acknowledged post is on that disk; every read shows every post that was acknowledged before.',
  survives: 'The end of its process. Not the loss of its disk.',
  replicas_max: 1,
};

// ---- the mode ----

const KEY_COUNT_MAX = 200_000; // keys remembered; the oldest go first
const GUARANTEE = 'linearizable'; // one replica, and what it shows is on its disk
const Verb = { READ: 1, POST: 2, CHOOSE: 3, REPLY: 4, SYNC: 5 };
const Outcome = { OK: 1, UNKNOWN: 2 }; // unknown: perhaps done

// Solo is one replica's state machine. The board is all there is to know, so
// that it saves nothing of its own.
class Solo {
  vector = new Map(); // of the board: origin -> seq; our articles have origin 0
  ids = new Map(); // by key, oldest first
  keysFrom = 0n; // ids holds the key of every article from this seq on
  sealed = false;

  // step returns the effects of a batch of events. Others than these cannot
  // happen to a mode that saves nothing, sets no timer, has no peers and answers
  // each request in the step that brings it.
  step(events) {
    const out = [];
    for (const { keys, start, request, seal, stop } of events) {
      if (keys) this.onKeys(keys);
      if (start) this.onStart(start, out);
      if (request) this.onRequest(request, out);
      if (seal) this.onSeal(out);
      if (stop) out.push({ stopped: {} });
    }
    return out;
  }

  onKeys({ keys }) {
    for (const { id, key } of keys) this.remember(key, id);
  }

  onStart(start, out) {
    if (start.replicas.length > 1) return void out.push({ halt: { why: `solo is for one replica, not for ${start.replicas.length}` } });
    for (const { seq, origin } of start.board) this.vector.set(origin, seq);
    if (start.keys_from > this.keysFrom) this.keysFrom = start.keys_from;
    out.push({ local_reads: { guarantee: GUARANTEE } });
    out.push({ report: { status: { role: 'coordinator', coordinator: start.self, joined: true, caught_up: true } } });
  }

  onRequest(r, out) {
    if (r.verb === Verb.POST) this.onPost(r, out);
    else if (r.verb === Verb.REPLY) this.onReply(r, out);
    else if (r.verb === Verb.SYNC) reply(out, r, { outcome: Outcome.OK }); // with nobody
    else this.onRead(r, out);
  }

  onRead(r, out) {
    const lacking = r.seen.find(({ seq, origin }) => seq > (this.vector.get(origin) ?? 0n));
    if (lacking) return refuse(out, r, 'behind', `the session has seen ${text(lacking)}, which is not here`);
    out.push({ serve: { request: r.id, up_to: this.board(), guarantee: GUARANTEE } });
  }

  onReply(r, out) {
    if (r.on_board) this.onPost(r, out);
    else refuse(out, r, 'not_found', `no article ${text(r.target)}`);
  }

  onPost(r, out) {
    const { key } = r.article;
    const known = this.ids.get(key);
    if (known) return reply(out, r, { outcome: Outcome.OK, id: known, copies: 1n, guarantee: GUARANTEE });
    if (key && r.mark < this.keysFrom) return reply(out, r, { outcome: Outcome.UNKNOWN, why: 'key too old' });
    if (this.sealed) return refuse(out, r, 'epoch_changing', 'the mode is being changed');
    const id = { seq: this.highest() + 1n, origin: 0 };
    this.vector.set(0, id.seq);
    this.remember(key, id);
    out.push({ store: { articles: [{ ...r.article, id, parent: r.target }], durable: true } });
    // Acknowledged at once, and yet not before it is on disk: Reply is held.
    reply(out, r, { outcome: Outcome.OK, id, copies: 1n, guarantee: GUARANTEE });
  }

  onSeal(out) {
    this.sealed = true;
    out.push({ sealed: { board: this.board() } });
  }

  remember(key, id) {
    if (!key) return;
    this.ids.set(key, id);
    if (this.ids.size <= KEY_COUNT_MAX) return;
    const [[oldest, { seq }]] = this.ids; // a Map keeps the order of insertion
    this.ids.delete(oldest);
    this.keysFrom = seq + 1n;
  }

  // highest is the highest seq of any origin: an earlier mode may have had several.
  highest() {
    return [...this.vector.values()].reduce((a, b) => (a > b ? a : b), 0n);
  }

  board() {
    return [...this.vector].sort(([a], [b]) => a - b).map(([origin, seq]) => ({ seq, origin }));
  }
}

const text = ({ seq, origin }) => (origin ? `${seq}.${origin}` : `${seq}`);
const reply = (out, r, fields) => void out.push({ reply: { request: r.id, ...fields } });
const refuse = (out, r, kind, why) => void out.push({ refuse: { request: r.id, kind, why } });

// ---- protocol buffers ----

// What solo wants of mode.proto. Fields that are not here are skipped when they
// are read; an enum is read as the number that it is.
const schema = readSchema(`
  message ArticleID { uint64 seq = 1; uint32 origin = 2; }
  message Article { ArticleID id = 1; ArticleID parent = 2; string author = 3; string title = 4; string body = 5; sfixed64 time = 6; string key = 7; }

  message Batch { uint64 number = 1; repeated Event events = 3; }
  message Event { Keys keys = 1; Start start = 3; Request request = 4; Seal seal = 10; Stop stop = 11; }
  message Keys { repeated KeyedID keys = 1; }   message KeyedID { ArticleID id = 1; string key = 2; }
  message Start { uint32 self = 5; repeated uint32 replicas = 6; repeated ArticleID board = 8; uint64 keys_from = 10; }
  message Request {
    uint64 id = 1; uint32 verb = 2; Article article = 3; ArticleID target = 4; bool on_board = 5; uint64 mark = 6; repeated ArticleID seen = 8;
  }
  message Seal {}   message Stop {}

  message Effects { uint64 number = 1; repeated Effect effects = 2; string error = 3; }
  message Effect {
    Store store = 3; Reply reply = 7; Serve serve = 8; Refuse refuse = 9; LocalReads local_reads = 10;
    Sealed sealed = 13; Stopped stopped = 14; Halt halt = 15; Report report = 16;
  }
  message Store { repeated Article articles = 1; bool durable = 2; }
  message Reply { uint64 request = 1; uint32 outcome = 2; ArticleID id = 3; int64 copies = 4; string why = 8; string guarantee = 9; }
  message Serve { uint64 request = 1; repeated ArticleID up_to = 2; string guarantee = 3; }
  message Refuse { uint64 request = 1; string kind = 2; string why = 3; }
  message LocalReads { string guarantee = 1; }
  message Sealed { repeated ArticleID board = 1; }   message Stopped {}   message Halt { string why = 1; }
  message Report { Status status = 1; }
  message Status { string role = 1; uint32 coordinator = 3; bool caught_up = 6; bool joined = 8; }

  message Description { string name = 1; string version = 2; string promise = 3; string survives = 4; uint32 replicas_max = 5; }
  message OpenRequest { uint32 replica = 1; string socket = 2; }
  message HealthCheckResponse { uint32 status = 1; }`);

function readSchema(text) {
  const messages = {};
  for (const [, name, body] of text.matchAll(/message (\w+) \{([^}]*)\}/g)) {
    messages[name] = [...body.matchAll(/(repeated )?(\w+) (\w+) = (\d+);/g)].map(([, repeated, type, name, number]) => (
      { name, type, repeated: Boolean(repeated), number: Number(number) }));
  }
  return messages;
}

const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;
const zero = { uint64: 0n, int64: 0n, sfixed64: 0n, uint32: 0, bool: false, string: '' };
const isMessage = (type) => type in schema;
const wireType = (type) => (type === 'sfixed64' ? FIXED64 : type === 'string' || isMessage(type) ? BYTES : VARINT);

class Malformed extends Error {}

// decode reads a message. A field that is left out is zero, [] or an empty
// message; in Event, where one field is set, the others stay out.
function decode(type, buffer) {
  const message = {};
  if (type !== 'Event') {
    for (const { name, type: t, repeated } of schema[type]) message[name] = repeated ? [] : isMessage(t) ? decode(t, Buffer.alloc(0)) : zero[t];
  }
  for (const r = new Reader(buffer); r.at < buffer.length; ) {
    const tag = Number(r.varint()), wire = tag & 7;
    const value = r.value(wire);
    const field = schema[type].find(({ number }) => number === tag >>> 3);
    if (!field) continue;
    const { name, type: t, repeated } = field;
    if (!repeated) message[name] = decodeValue(t, wire, value);
    else if (wireType(t) === VARINT && wire === BYTES) message[name].push(...unpack(t, value));
    else message[name].push(decodeValue(t, wire, value));
  }
  return message;
}

function unpack(type, buffer) {
  const values = [];
  for (const r = new Reader(buffer); r.at < buffer.length; ) values.push(decodeValue(type, VARINT, r.varint()));
  return values;
}

function decodeValue(type, wire, value) {
  if (wire !== wireType(type)) throw new Malformed(`wire type ${wire} for a ${type}`);
  switch (type) {
    case 'uint64': return value;
    case 'int64': return BigInt.asIntN(64, value);
    case 'uint32': return Number(BigInt.asUintN(32, value));
    case 'bool': return value !== 0n;
    case 'sfixed64': return value.readBigInt64LE();
    case 'string': return value.toString('utf8');
    default: return decode(type, value);
  }
}

class Reader {
  at = 0;
  constructor(buffer) { this.buffer = buffer; }

  varint() {
    for (let n = 0n, shift = 0n; shift < 70n && this.at < this.buffer.length; shift += 7n) {
      const byte = this.buffer[this.at++];
      n |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, n);
    }
    throw new Malformed(`byte ${this.at}: a varint without an end`);
  }

  // value reads a field's value: a BigInt, or bytes.
  value(wire) {
    if (wire === VARINT) return this.varint();
    const size = { [FIXED64]: 8, [FIXED32]: 4, [BYTES]: wire === BYTES ? Number(this.varint()) : 0 }[wire];
    const left = this.buffer.length - this.at;
    if (size === undefined || size > left) throw new Malformed(`byte ${this.at}: wire type ${wire}, ${size} bytes of ${left}`);
    this.at += size;
    return this.buffer.subarray(this.at - size, this.at);
  }
}

function encode(type, message) {
  const parts = [];
  for (const { name, type: t, repeated, number } of schema[type]) {
    for (const value of repeated ? message[name] : [message[name]]) {
      if (value !== undefined && (repeated || value !== zero[t])) parts.push(varint((number << 3) | wireType(t)), encodeValue(t, value));
    }
  }
  return Buffer.concat(parts);
}

function encodeValue(type, value) {
  if (wireType(type) === VARINT) return varint(value);
  if (type === 'sfixed64') {
    const fixed = Buffer.alloc(8);
    fixed.writeBigInt64LE(value);
    return fixed;
  }
  const bytes = type === 'string' ? Buffer.from(value, 'utf8') : encode(type, value);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  let n = BigInt.asUintN(64, BigInt(value));
  for (; n > 0x7fn; n >>= 7n) bytes.push(Number(n & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(n)]);
}

// ---- batches ----

const FRAME_SIZE_MAX = 16 << 20;

// openMachine starts a state machine at the end of a socket; it ends with it.
function openMachine(socketPath) {
  return new Promise((resolve, reject) => {
    const mode = new Solo();
    let last = 0n; // number of the last batch
    const socket = net.connect(socketPath, () => resolve());
    const answer = (effects) => socket.write(frame(encode('Effects', effects)));
    const fault = (why) => { answer({ number: last, error: why }); socket.end(); };
    let unread = Buffer.alloc(0);
    socket.on('error', reject); // after the promise is kept this says nothing: 'close' follows
    socket.on('data', (chunk) => {
      unread = unread.length ? Buffer.concat([unread, chunk]) : chunk;
      while (unread.length >= 4) {
        const size = unread.readUInt32BE();
        if (size > FRAME_SIZE_MAX) return fault(`a frame of ${size} bytes, the limit is ${FRAME_SIZE_MAX}`);
        if (unread.length < 4 + size) return;
        const message = unread.subarray(4, 4 + size);
        unread = unread.subarray(4 + size);
        let batch;
        try {
          batch = decode('Batch', message);
        } catch (e) {
          if (!(e instanceof Malformed)) throw e;
          return fault(`malformed batch after batch ${last}: ${e.message}`);
        }
        if (batch.number !== last + 1n) return fault(`batch ${batch.number} follows batch ${last}`);
        last = batch.number;
        answer({ number: last, effects: mode.step(batch.events) }); // a bug in it ends the process, as it should
      }
    });
  });
}

function frame(message) {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(message.length);
  return Buffer.concat([header, message]);
}

// ---- the gRPC service ----

const CONTROL_WAIT_MAX = 10_000; // ms that a plugin waits for its host to want it
const CALL_SIZE_MAX = 64 << 10; // bytes of what we are asked; a path is the longest
const Status = { OK: 0, UNIMPLEMENTED: 12, UNAVAILABLE: 14 };
const SERVING = 1;

// serve answers gRPC calls: over HTTP/2 each is a stream, with a message that
// has five bytes before it, and the outcome in the trailers.
function serve(server) {
  const unwanted = setTimeout(() => end(1, 'the host did not open the control stream'), CONTROL_WAIT_MAX);
  const methods = {
    '/consequor.mode.v1.Mode/Describe': () => encode('Description', description),
    '/consequor.mode.v1.Mode/Open': async (request) => {
      await openMachine(decode('OpenRequest', request).socket);
      return Buffer.alloc(0);
    },
    '/grpc.health.v1.Health/Check': () => encode('HealthCheckResponse', { status: SERVING }),
    '/plugin.GRPCController/Shutdown': () => end(0),
  };
  server.on('stream', (stream, headers) => {
    const method = headers[':path'];
    if (method === '/consequor.mode.v1.Mode/Control') {
      clearTimeout(unwanted);
      stream.on('close', () => end(0)); // it is held open for as long as we are wanted
      stream.on('error', () => {}); // 'close' follows
      stream.resume();
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      return;
    }
    call(stream, methods[method]);
  });
}

// call reads one request, has it answered, and sends that with its outcome.
function call(stream, method) {
  stream.on('error', () => {}); // the host has hung up; there is nobody to tell
  if (!method) return finish(stream, Status.UNIMPLEMENTED, 'no such method'); // of go-plugin's own, which may all be missing
  const parts = [];
  let size = 0;
  stream.on('data', (part) => {
    parts.push(part);
    size += part.length;
    if (size > CALL_SIZE_MAX) stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
  stream.on('end', async () => {
    try {
      const answer = await method(Buffer.concat(parts).subarray(5));
      finish(stream, Status.OK, '', Buffer.concat([Buffer.from([0]), frame(answer)]));
    } catch (e) {
      finish(stream, Status.UNAVAILABLE, e.message);
    }
  });
}

function finish(stream, status, why, message) {
  if (stream.destroyed) return;
  stream.resume(); // what we are still told, we do not want to know
  const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(why) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(message);
}

function end(code, why) {
  if (why) console.error(why);
  process.exit(code);
}

// ---- the certificate ----

// der writes one element of DER: tag, length, content.
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const length = content.length < 0x80 ? [content.length] : content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const SEQUENCE = 0x30, SET = 0x31, INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06, UTF8 = 0x0c, UTC_TIME = 0x17;
const oid = (hex) => der(OID, Buffer.from(hex, 'hex'));
const ECDSA_WITH_SHA256 = '2a8648ce3d040302', COMMON_NAME = '550403', SUBJECT_ALT_NAME = '551d11';
const YEAR = 365 * 24 * 3600 * 1000;

// makeCertificate makes a key, and a certificate of it for "localhost", signed
// by itself (RFC 5280): the handshake's line tells the host which one it is.
function makeCertificate() {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const time = (ms) => der(UTC_TIME, Buffer.from(new Date(ms).toISOString().replace(/^..|[-:T]|\.\d+/g, '')));
  const algorithm = der(SEQUENCE, oid(ECDSA_WITH_SHA256));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, oid(COMMON_NAME), der(UTF8, Buffer.from('localhost')))));
  const names = der(SEQUENCE, der(0x82, Buffer.from('localhost'))); // [2]: a DNS name
  const toSign = der(SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))), // version 3
    der(INTEGER, Buffer.from([1]), crypto.randomBytes(15)), // serial number, above zero
    algorithm, name,
    der(SEQUENCE, time(Date.now() - 60_000), time(Date.now() + 10 * YEAR)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, der(SEQUENCE, oid(SUBJECT_ALT_NAME), der(OCTETS, names)))));
  const signature = crypto.sign('sha256', toSign, privateKey);
  return { certificate: der(SEQUENCE, toSign, algorithm, der(BITS, Buffer.from([0]), signature)), privateKey };
}

// ---- the handshake ----

function main() {
  const env = process.env;
  if (env.CONSEQUOR_MODE_PLUGIN !== 'a mode of consequor') {
    end(2, 'this is the mode "solo", a plugin of consequor: replicad starts it, people do not\nhint: name it in a topology, under modes, and run consequorctl up');
  }
  if (env.CONSEQUOR_LIFELINE) {
    new net.Socket({ fd: Number(env.CONSEQUOR_LIFELINE), readable: true }).on('close', () => end(1, 'the host is gone')).resume();
  }
  const { certificate, privateKey } = makeCertificate();
  const base64 = certificate.toString('base64');
  const server = http2.createSecureServer({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`,
    ca: env.PLUGIN_CLIENT_CERT, // the host, and nobody else
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  });
  server.on('sessionError', (e) => console.error(`connection: ${e.message}`));
  serve(server);
  const socket = path.join(env.PLUGIN_UNIX_SOCKET_DIR, `plugin${process.pid}`);
  server.listen(socket, () => console.log(`1|1|unix|${socket}|grpc|${base64.replace(/=+$/, '')}`));
}

main();
