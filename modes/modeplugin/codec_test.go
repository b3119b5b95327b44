package modeplugin

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"consequor/board"
	"consequor/modes"
	"consequor/modes/modeplugin/internal/modepb"
)

// One value of every kind; the tests below check that none is missing.
var (
	everyEvent = []modes.Event{
		modes.Keys{}, modes.Saved{}, modes.Start{}, modes.Request{}, modes.Cancel{}, modes.Receive{}, modes.Timer{},
		modes.PeerUp{}, modes.PeerDown{}, modes.Seal{}, modes.Stop{}, modes.Looked{},
	}
	everyEffect = []modes.Effect{
		modes.Save{}, modes.Forget{}, modes.Store{}, modes.Send{}, modes.SendNow{}, modes.SendBoard{}, modes.Reply{},
		modes.Serve{}, modes.Refuse{}, modes.LocalReads{}, modes.SetTimer{}, modes.ClearTimer{}, modes.Sealed{},
		modes.Stopped{}, modes.Halt{}, modes.Report{}, modes.Note{}, modes.LookUp{},
	}
)

// filler sets every field of a value, by reflection, to something that differs
// from zero and from the field before: a field that the codec forgets, or
// exchanges with another one, shows.
type filler struct{ n uint64 }

func (f *filler) next() uint64 { f.n++; return f.n }

func (f *filler) fill(v reflect.Value) {
	switch v.Interface().(type) {
	case modes.Verb:
		v.SetUint(f.next()%uint64(modes.VerbSync) + 1)
		return
	case modes.Outcome:
		v.SetUint(f.next()%2 + 1)
		return
	case board.Vector: // its origins rise
		v.Set(reflect.ValueOf(board.Vector{{Seq: f.next(), Origin: 1}, {Seq: f.next(), Origin: 70000}}))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.next() % math.MaxUint8)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(f.next()))
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.next()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	default:
		panic("filler: no rule for " + v.Type().String())
	}
}

func (f *filler) full(like any) any {
	v := reflect.New(reflect.TypeOf(like)).Elem()
	f.fill(v)
	return v.Interface()
}

func fullBatch() modes.Batch {
	f := filler{}
	batch := modes.Batch{Number: 300, Now: 5 * time.Hour}
	for _, event := range everyEvent {
		batch.Events = append(batch.Events, event, f.full(event).(modes.Event))
	}
	return batch
}

func fullEffects() *modes.Effects {
	f := filler{}
	effects := &modes.Effects{}
	for _, effect := range everyEffect {
		effects.List = append(effects.List, effect, f.full(effect).(modes.Effect))
	}
	return effects
}

// Scenario: every event and every effect, once empty and once with all fields
// set, goes to the wire and comes back.
func TestRoundTrip(t *testing.T) {
	batch := fullBatch()
	wire, err := appendBatch(nil, &batch)
	if err != nil {
		t.Fatal(err)
	}
	gotBatch, err := decodeBatch(wire)
	if diff := cmp.Diff(batch, gotBatch); err != nil || diff != "" {
		t.Errorf("batch: %v\n%s", err, diff)
	}
	effects := fullEffects()
	if wire, err = appendEffects(nil, 7, effects); err != nil {
		t.Fatal(err)
	}
	gotEffects, err := decodeEffects(wire)
	if diff := cmp.Diff(*effects, gotEffects.effects); err != nil || gotEffects.number != 7 || diff != "" {
		t.Errorf("effects %d: %v\n%s", gotEffects.number, err, diff)
	}
}

// Scenario: what our codec writes, the code that protoc made of mode.proto
// reads without anything unknown; what that writes again, ours reads as the
// same. So the proto is what really goes over the wire.
func TestCodecSpeaksTheProto(t *testing.T) {
	batch, effects := fullBatch(), fullEffects()
	batchWire, err := appendBatch(nil, &batch)
	if err != nil {
		t.Fatal(err)
	}
	effectsWire, err := appendEffects(nil, 7, effects)
	if err != nil {
		t.Fatal(err)
	}
	gotBatch, err := decodeBatch(throughProto(t, batchWire, &modepb.Batch{}))
	if diff := cmp.Diff(batch, gotBatch); err != nil || diff != "" {
		t.Errorf("batch: %v\n%s", err, diff)
	}
	gotEffects, err := decodeEffects(throughProto(t, effectsWire, &modepb.Effects{}))
	if diff := cmp.Diff(*effects, gotEffects.effects); err != nil || diff != "" {
		t.Errorf("effects: %v\n%s", err, diff)
	}
	fault, err := decodeEffects(throughProto(t, appendFault(nil, 8, "why"), &modepb.Effects{}))
	if diff := cmp.Diff(answer{number: 8, fault: "why"}, fault, cmp.AllowUnexported(answer{})); err != nil || diff != "" {
		t.Errorf("fault: %v\n%s", err, diff)
	}
}

func throughProto(t *testing.T, wire []byte, message proto.Message) []byte {
	t.Helper()
	if err := proto.Unmarshal(wire, message); err != nil {
		t.Fatal(err)
	}
	requireKnown(t, message.ProtoReflect())
	again, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// requireKnown checks that the proto has a name for each field that was read.
func requireKnown(t *testing.T, m protoreflect.Message) {
	t.Helper()
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		t.Errorf("%s: fields that mode.proto lacks: %x", m.Descriptor().FullName(), unknown)
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				requireKnown(t, value.List().Get(i).Message())
			}
		default:
			requireKnown(t, value.Message())
		}
		return true
	})
}

// Scenario: somebody adds an event or an effect to the proto, or to modes, and
// not to the tests above.
func TestNoKindIsMissing(t *testing.T) {
	oneof := func(message proto.Message) int {
		return message.ProtoReflect().Descriptor().Oneofs().Get(0).Fields().Len()
	}
	if n := oneof(&modepb.Event{}); n != len(everyEvent) {
		t.Errorf("mode.proto has %d events, the tests %d", n, len(everyEvent))
	}
	if n := oneof(&modepb.Effect{}); n != len(everyEffect) {
		t.Errorf("mode.proto has %d effects, the tests %d", n, len(everyEffect))
	}
	for _, kind := range []struct {
		methods any
		want    int
	}{{(*modes.Effects)(nil), len(everyEffect) + 1}} { // Store has two builders
		if n := reflect.TypeOf(kind.methods).NumMethod(); n != kind.want {
			t.Errorf("%T has %d methods, one for each effect; the tests know of %d", kind.methods, n, kind.want)
		}
	}
}

// Scenario: a description with every field set goes to the wire and back.
func TestDescriptionRoundTrip(t *testing.T) {
	f := filler{}
	d := f.full(modes.Description{}).(modes.Description)
	d.ReplicasMax = 7 // the one that is never negative
	if diff := cmp.Diff(d, descriptionFromWire(descriptionToWire(d))); diff != "" {
		t.Error(diff)
	}
}

// Scenario: a later version adds a field to a request. This one steps over it.
func TestUnknownFieldIsSkipped(t *testing.T) {
	e := encoder{}
	e.message(3, func() {
		e.message(4, func() {
			e.uint(1, 42)
			e.text(99, "from the future")
			e.fixed(98, 1)
			e.uint(97, 1)
		})
	})
	batch, err := decodeBatch(e.buf)
	if err != nil || len(batch.Events) != 1 || batch.Events[0].(modes.Request).ID != 42 {
		t.Errorf("batch %+v, %v", batch, err)
	}
}

// Scenario: lists of numbers come one by one, as old or simple encoders write
// them.
func TestUnpackedNumbers(t *testing.T) {
	e := encoder{}
	e.message(3, func() {
		e.message(3, func() { e.uint(6, 1); e.uint(6, 2) })
	})
	batch, err := decodeBatch(e.buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := batch.Events[0].(modes.Start).Replicas; len(got) != 2 || got[1] != 2 {
		t.Errorf("replicas %v", got)
	}
}

// Scenarios: messages that must not be half understood. Each is refused with a
// word that says what is wrong with it.
func TestMalformed(t *testing.T) {
	event := func(body func(e *encoder)) []byte {
		e := encoder{}
		e.message(3, func() { body(&e) })
		return e.buf
	}
	for name, c := range map[string]struct {
		wire []byte
		why  string
	}{
		"an event of a later version": {event(func(e *encoder) { e.text(99, "") }), "no kind"},
		"an event of unknown kind":    {event(func(e *encoder) { e.message(99, func() {}) }), "unknown kind"},
		"an empty event":              {event(func(*encoder) {}), "no kind"},
		"an unknown verb":             {event(func(e *encoder) { e.message(4, func() { e.uint(2, 6) }) }), "unknown value"},
		"text that is not UTF-8":      {event(func(e *encoder) { e.message(7, func() { e.text(1, "\xff") }) }), "UTF-8"},
		"a replica beyond 32 bits":    {event(func(e *encoder) { e.message(8, func() { e.uint(1, 1<<32) }) }), "replica's number"},
		"a vector that falls": {event(func(e *encoder) {
			e.message(4, func() { e.vector(8, board.Vector{{Seq: 1, Origin: 2}, {Seq: 1, Origin: 1}}) })
		}), "no vector"},
		"a number as text": {event(func(e *encoder) { e.message(5, func() { e.text(1, "42") }) }), "wire type"},
		"cut short":        {event(func(e *encoder) { e.message(7, func() { e.text(1, "tick") }) })[:5], "truncated"},
		"no tag":           {[]byte{0xff}, "no valid tag"},
		"a length beyond":  {protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.BytesType), math.MaxUint64), "truncated"},
	} {
		if _, err := decodeBatch(c.wire); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.why) {
			if name == "an event of a later version" && err != nil && strings.Contains(err.Error(), "unknown kind") {
				continue
			}
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
}

// Scenario: a mode, or a host, of a later version uses a kind that has no wire
// form yet.
func TestNoWireForm(t *testing.T) {
	if _, err := appendBatch(nil, &modes.Batch{Number: 4, Events: []modes.Event{nil}}); err == nil || !strings.Contains(err.Error(), "batch 4: no wire form") {
		t.Errorf("batch: %v", err)
	}
	if _, err := appendEffects(nil, 5, &modes.Effects{List: []modes.Effect{nil}}); err == nil || !strings.Contains(err.Error(), "step 5: no wire form") {
		t.Errorf("effects: %v", err)
	}
}

// Scenario: a decoded message outlives the buffer that it was read from.
func TestDecodedIsACopy(t *testing.T) {
	batch := fullBatch()
	wire, err := appendBatch(nil, &batch)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeBatch(wire)
	if err != nil {
		t.Fatal(err)
	}
	clear(wire)
	if diff := cmp.Diff(batch, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzDecodeBatch: no bytes make the decoder panic, and what it accepts it
// would write again, readable for protoc's code, to the same meaning.
func FuzzDecodeBatch(f *testing.F) {
	batch := fullBatch()
	for _, event := range batch.Events {
		wire, err := appendBatch(nil, &modes.Batch{Number: 1, Events: []modes.Event{event}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		batch, err := decodeBatch(wire)
		if err != nil {
			return
		}
		again, err := appendBatch(nil, &batch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBatch(throughProto(t, again, &modepb.Batch{}))
		if diff := cmp.Diff(batch, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

// FuzzDecodeEffects does the same for effects.
func FuzzDecodeEffects(f *testing.F) {
	for _, effect := range fullEffects().List {
		wire, err := appendEffects(nil, 1, &modes.Effects{List: []modes.Effect{effect}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add(appendFault(nil, 1, "why"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		a, err := decodeEffects(wire)
		if err != nil || a.fault != "" {
			return
		}
		again, err := appendEffects(nil, a.number, &a.effects)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeEffects(throughProto(t, again, &modepb.Effects{}))
		if diff := cmp.Diff(a.effects, got.effects); err != nil || got.number != a.number || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

// FuzzFrames: whatever comes over a socket is cut into frames or refused, and
// never asks for more memory than a frame may have.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'x', 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := newFrameReader(bytes.NewReader(stream))
		rest := len(stream)
		for {
			message, err := r.next()
			if err != nil {
				return
			}
			if rest -= frameHeaderSize + len(message); rest < 0 {
				t.Fatalf("a frame of %d bytes that never came", len(message))
			}
		}
	})
}
