package modeplugin

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"consequor/board"
)

// The wire form of mode.proto's messages, written and read field by field.
// Going through generated structs would cost each event some ten allocations
// more, which at 64 requests to a batch is most of the hop.

// encoder appends fields to buf; fields that are zero are left out.
type encoder struct{ buf []byte }

// message appends a message field, whose fields body appends. One byte is kept
// for the length: a longer length moves what was written up a little.
func (e *encoder) message(field protowire.Number, body func()) {
	e.buf = protowire.AppendTag(e.buf, field, protowire.BytesType)
	e.buf = append(e.buf, 0)
	at := len(e.buf)
	body()
	length := len(e.buf) - at
	if length < 1<<7 {
		e.buf[at-1] = byte(length)
		return
	}
	var prefix [10]byte
	size := len(protowire.AppendVarint(prefix[:0], uint64(length)))
	e.buf = append(e.buf, prefix[:size-1]...)
	copy(e.buf[at-1+size:], e.buf[at:at+length])
	copy(e.buf[at-1:], prefix[:size])
}

func (e *encoder) uint(field protowire.Number, n uint64) {
	if n != 0 {
		e.buf = protowire.AppendTag(e.buf, field, protowire.VarintType)
		e.buf = protowire.AppendVarint(e.buf, n)
	}
}

func (e *encoder) int(field protowire.Number, n int64) { e.uint(field, uint64(n)) }

func (e *encoder) bool(field protowire.Number, b bool) { e.uint(field, protowire.EncodeBool(b)) }

func (e *encoder) fixed(field protowire.Number, n int64) {
	if n != 0 {
		e.buf = protowire.AppendTag(e.buf, field, protowire.Fixed64Type)
		e.buf = protowire.AppendFixed64(e.buf, uint64(n))
	}
}

func (e *encoder) text(field protowire.Number, text string) {
	if text != "" {
		e.buf = protowire.AppendTag(e.buf, field, protowire.BytesType)
		e.buf = protowire.AppendString(e.buf, text)
	}
}

func (e *encoder) bytes(field protowire.Number, b []byte) {
	if len(b) != 0 {
		e.element(field, b)
	}
}

// element appends one element of a repeated bytes field, empty or not.
func (e *encoder) element(field protowire.Number, b []byte) {
	e.buf = protowire.AppendTag(e.buf, field, protowire.BytesType)
	e.buf = protowire.AppendBytes(e.buf, b)
}

func (e *encoder) replicas(field protowire.Number, ids []board.ReplicaID) {
	if len(ids) == 0 {
		return
	}
	e.message(field, func() {
		for _, id := range ids {
			e.buf = protowire.AppendVarint(e.buf, uint64(id))
		}
	})
}

func (e *encoder) id(field protowire.Number, id board.ArticleID) {
	if !id.IsZero() {
		e.idElement(field, id)
	}
}

func (e *encoder) idElement(field protowire.Number, id board.ArticleID) {
	e.message(field, func() {
		e.uint(1, id.Seq)
		e.uint(2, uint64(id.Origin))
	})
}

func (e *encoder) vector(field protowire.Number, v board.Vector) {
	for _, id := range v {
		e.idElement(field, id)
	}
}

func (e *encoder) keys(field protowire.Number, keys []board.KeyedID) {
	for i := range keys {
		e.message(field, func() {
			e.id(1, keys[i].ID)
			e.text(2, keys[i].Key)
		})
	}
}

func (e *encoder) article(field protowire.Number, a *board.Article) {
	e.message(field, func() {
		e.id(1, a.ID)
		e.id(2, a.Parent)
		e.text(3, a.Author)
		e.text(4, a.Title)
		e.text(5, a.Body)
		e.fixed(6, a.Time)
		e.text(7, a.Key)
	})
}

// ErrMalformed is returned for bytes that are not a message of mode.proto.
var ErrMalformed = errors.New("malformed message")

// decoder reads fields from the front of buf. After the first malformed one it
// has failed, next returns false, and everything it returns is zero. Whatever
// it returns is a copy: buf may be used again.
type decoder struct {
	buf      []byte
	pos, end int
	field    protowire.Number // of the field at pos, its value not yet read
	kind     protowire.Type
	err      error
}

func newDecoder(buf []byte) decoder { return decoder{buf: buf, end: len(buf)} }

func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: byte %d, field %d: %s", ErrMalformed, d.pos, d.field, why)
	}
	d.pos, d.end = 0, 0
}

// next reads the tag of the next field of the innermost message; false: there
// is none.
func (d *decoder) next() bool {
	if d.pos == d.end {
		return false
	}
	field, kind, size := protowire.ConsumeTag(d.buf[d.pos:d.end])
	if size < 0 {
		d.fail("no valid tag")
		return false
	}
	d.pos, d.field, d.kind = d.pos+size, field, kind
	return true
}

// enter goes into the message that is the current field; leave, given what
// enter returned, goes out again.
func (d *decoder) enter() (outer int) {
	outer = d.end
	length := d.length()
	if d.err == nil {
		d.end = d.pos + length
	}
	return outer
}

func (d *decoder) leave(outer int) {
	if d.err == nil {
		d.end = outer
	}
}

// length reads the length of the current field, and checks that it is there.
func (d *decoder) length() int {
	if d.kind != protowire.BytesType {
		d.fail("wrong wire type")
		return 0
	}
	length, size := protowire.ConsumeVarint(d.buf[d.pos:d.end])
	if size < 0 || length > uint64(d.end-d.pos-size) {
		d.fail("truncated")
		return 0
	}
	d.pos += size
	return int(length)
}

// raw returns the current field's bytes, still in buf.
func (d *decoder) raw() []byte {
	length := d.length()
	b := d.buf[d.pos : d.pos+length]
	d.pos += length
	return b
}

func (d *decoder) bytes() []byte {
	b := d.raw()
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

func (d *decoder) text() string {
	b := d.raw()
	if !utf8.Valid(b) {
		d.fail("not valid UTF-8")
		return ""
	}
	return string(b)
}

func (d *decoder) uint() uint64 {
	if d.kind != protowire.VarintType {
		d.fail("wrong wire type")
		return 0
	}
	return d.varint()
}

func (d *decoder) varint() uint64 {
	n, size := protowire.ConsumeVarint(d.buf[d.pos:d.end])
	if size < 0 {
		d.fail("no valid number")
		return 0
	}
	d.pos += size
	return n
}

func (d *decoder) int() int64 { return int64(d.uint()) }

func (d *decoder) bool() bool { return d.uint() != 0 }

// enum reads a number from 1 to highest.
func (d *decoder) enum(highest uint8) uint8 {
	n := d.uint()
	if d.err == nil && (n == 0 || n > uint64(highest)) {
		d.fail("unknown value")
		return 0
	}
	return uint8(n)
}

func (d *decoder) fixed() int64 {
	if d.kind != protowire.Fixed64Type || d.end-d.pos < 8 {
		d.fail("no fixed number")
		return 0
	}
	n, size := protowire.ConsumeFixed64(d.buf[d.pos:d.end])
	d.pos += size
	return int64(n)
}

// skip passes over a field that this version does not know.
func (d *decoder) skip() {
	size := protowire.ConsumeFieldValue(d.field, d.kind, d.buf[d.pos:d.end])
	if size < 0 {
		d.fail("truncated")
		return
	}
	d.pos += size
}

func (d *decoder) replica() board.ReplicaID { return d.toReplica(d.uint()) }

func (d *decoder) toReplica(n uint64) board.ReplicaID {
	if n > 1<<32-1 {
		d.fail("no replica's number")
		return 0
	}
	return board.ReplicaID(n)
}

// replicas appends the current field to ids: one number, or a packed list.
func (d *decoder) replicas(ids []board.ReplicaID) []board.ReplicaID {
	if d.kind == protowire.VarintType {
		return append(ids, d.replica())
	}
	outer := d.enter()
	for d.pos < d.end {
		ids = append(ids, d.toReplica(d.varint()))
	}
	d.leave(outer)
	return ids
}

func (d *decoder) id() (id board.ArticleID) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			id.Seq = d.uint()
		case 2:
			id.Origin = d.replica()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return id
}

// vector appends the current field to v, whose origins must rise.
func (d *decoder) vector(v board.Vector) board.Vector {
	id := d.id()
	if n := len(v); d.err == nil && (id.Seq == 0 || n > 0 && v[n-1].Origin >= id.Origin) {
		d.fail("no vector")
	}
	return append(v, id)
}

func (d *decoder) key() (k board.KeyedID) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			k.ID = d.id()
		case 2:
			k.Key = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return k
}

func (d *decoder) article() (a board.Article) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			a.ID = d.id()
		case 2:
			a.Parent = d.id()
		case 3:
			a.Author = d.text()
		case 4:
			a.Title = d.text()
		case 5:
			a.Body = d.text()
		case 6:
			a.Time = d.fixed()
		case 7:
			a.Key = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return a
}

// oneUint, oneText and oneBytes read a message that has this one field; none
// reads one that has no fields.
func (d *decoder) oneUint() (n uint64) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			n = d.uint()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return n
}

func (d *decoder) oneText() (text string) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			text = d.text()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return text
}

func (d *decoder) oneBytes() (b []byte) {
	outer := d.enter()
	for d.next() {
		switch d.field {
		case 1:
			b = d.bytes()
		default:
			d.skip()
		}
	}
	d.leave(outer)
	return b
}

func (d *decoder) none() {
	outer := d.enter()
	for d.next() {
		d.skip()
	}
	d.leave(outer)
}
