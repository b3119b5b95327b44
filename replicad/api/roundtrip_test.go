package api_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consequor/board"
	"consequor/replicad/api"
)

// Every field of a request, an answer and a status arrives: the values are
// filled in by reflection, so that a field that is added and forgotten in the
// protocol fails here.

func TestEveryFieldArrives(t *testing.T) {
	want := filled[api.Answer](t)
	var got api.Request
	f := &fake{do: func(_ context.Context, r api.Request) (*api.Answer, error) {
		got = r
		return &want, nil
	}}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, f, api.ServerOptions{})}}})
	for _, verb := range []api.Verb{api.Read, api.Post, api.Choose, api.Reply, api.Sync} {
		r := filled[api.Request](t)
		r.Verb, r.Replica, r.After, r.Since = verb, "r1", "17.2@40,41.2", "cluster:3:40,41.2"
		answer, err := c.Do(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("%s: request, - sent + received\n%s", verb, diff)
		}
		if diff := cmp.Diff(&want, answer); diff != "" {
			t.Errorf("%s: answer, - sent + received\n%s", verb, diff)
		}
	}
}

func TestEveryFieldOfAStatusArrives(t *testing.T) {
	want := []api.Status{filled[api.Status](t), {Name: "r2", Step: api.Starting}}
	f := &fake{status: func(context.Context) ([]api.Status, error) { return want, nil }}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, f, api.ServerOptions{})}}})
	got, err := c.Status(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- sent + received\n%s", diff)
	}
}

// An empty answer, a page without articles and a root without a parent come
// back as they are.
func TestEmptyFieldsStayEmpty(t *testing.T) {
	f := &fake{do: func(context.Context, api.Request) (*api.Answer, error) { return &api.Answer{}, nil }}
	c := dial(t, api.Target{Replicas: []api.Endpoint{{Name: "r1", Addr: serve(t, f, api.ServerOptions{})}}})
	answer, err := c.DoAny(t.Context(), api.Request{Verb: api.Read})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&api.Answer{}, answer); diff != "" {
		t.Errorf("- sent + received\n%s", diff)
	}
}

// filled makes a T of which no field is zero and no two are alike.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fill(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Struct:
		fillStruct(t, v, n)
	default:
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}

func fillStruct(t *testing.T, v reflect.Value, n *int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(0, int64(*n)).UTC()))
		return
	}
	for i := range v.NumField() {
		fill(t, v.Field(i), n)
	}
}

// A cursor is written and read without loss, also as a plain id.
func TestCursor(t *testing.T) {
	for text, want := range map[string]api.Cursor{
		"":           {},
		"17":         {After: board.ArticleID{Seq: 17}},
		"17.2":       {After: board.ArticleID{Seq: 17, Origin: 2}},
		"17@40,41.2": {After: board.ArticleID{Seq: 17}, UpTo: board.Vector{{Seq: 40}, {Seq: 41, Origin: 2}}},
		"@40":        {UpTo: board.Vector{{Seq: 40}}},
	} {
		got, err := api.ParseCursor(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: - want + got\n%s", text, diff)
		}
		if got.String() != text {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for _, text := range []string{"x", "17@", "17@x", "0", "17@40@41", "17@41.2,40"} {
		if c, err := api.ParseCursor(text); err == nil {
			t.Errorf("%q is taken for %+v", text, c)
		}
	}
}
