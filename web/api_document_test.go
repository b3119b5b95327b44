package web

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"consequor/replicad/api"
	"consequor/supervisor"
)

// The document names the paths, parameters and fields that handlers take: all
// of them, and no other.
func TestDocumentHasWhatHandlersTake(t *testing.T) {
	url, _ := newVillage(t, 1).serve(t, nil)
	d := theDocument(t, newCaller(t, url).get("/api/openapi.json").text)
	bodies := map[string]any{"/api/post": writeBody{}, "/api/reply/{id}": writeBody{}, "/api/sync": syncBody{}}
	var taken, documented []string
	for _, e := range endpoints {
		taken = append(taken, e.method+" "+e.path)
		for _, name := range e.query {
			taken = append(taken, e.method+" "+e.path+" query "+name)
		}
		if strings.Contains(e.path, "{id}") {
			taken = append(taken, e.method+" "+e.path+" path id")
		}
		for _, name := range fieldsOf(reflect.TypeOf(bodies[e.path])) {
			taken = append(taken, e.method+" "+e.path+" body "+name)
		}
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			head := strings.ToUpper(method) + " " + path
			documented = append(documented, head)
			for _, p := range op.Parameters {
				documented = append(documented, head+" "+p.In+" "+p.Name)
			}
			if op.Body != nil {
				for name := range op.Body.Content["application/json"].Schema.Properties {
					documented = append(documented, head+" body "+name)
				}
			}
		}
	}
	slices.Sort(taken)
	slices.Sort(documented)
	if !slices.Equal(taken, documented) {
		t.Errorf("handlers take\n\t%s\nthe document has\n\t%s", strings.Join(taken, "\n\t"), strings.Join(documented, "\n\t"))
	}
}

// fieldsOf are the names that a struct's fields have in JSON.
func fieldsOf(t reflect.Type) []string {
	var names []string
	if t == nil {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, fieldsOf(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// Real answers, good and bad, are what the document says, field by field; and
// whatever the document says has been seen in one.
func TestDocumentHasWhatHandlersAnswer(t *testing.T) {
	t.Parallel() // it waits for answers that do not come
	vl := newVillage(t, 2)
	url, _ := vl.serve(t, nil)
	c := newCaller(t, url)
	d := theDocument(t, c.get("/api/openapi.json").text)
	vl.put(0, "alice", "First", "body")
	vl.put(1, "bob", "", "reply")
	full, _ := serve(t, Config{Source: fullSource{}})
	absent, _ := serve(t, Config{Source: nowhere{}})
	for _, e := range endpoints {
		path, body := strings.Replace(e.path, "{id}", "1", 1), ""
		if e.method == http.MethodPost && e.path != "/api/sync" {
			body = `{"author":"alice","title":"t","body":"b"}`
		}
		ask := func(path, body string, header ...string) {
			d.show(e.method, e.path, c.do(e.method, path, body, header...))
		}
		ask(path, body)
		ask(path+"?nonsense=1", body)
		ask(path, body, "Origin", "http://evil.example")
		ask(path, body, "Host", "evil.example")
		d.show(e.method, e.path, newCaller(t, url).do(http.MethodDelete, path, ""))
		if e.method == http.MethodPost {
			ask(path, body, "Content-Type", "text/plain")
			ask(path, strings.Repeat(" ", bodySizeMax+1))
		}
		if strings.Contains(e.path, "{id}") {
			ask(strings.Replace(e.path, "{id}", "999", 1), body)
		}
		for _, kind := range []string{api.KindOtherCluster, api.KindInternal} {
			vl.when(func(*api.Request) *api.Error { return &api.Error{Outcome: api.Refused, Kind: kind, Message: "no"} }, nil)
			ask(path, body)
			vl.when(nil, nil)
		}
		d.show(e.method, e.path, newCaller(t, absent).do(e.method, path, body))
	}
	d.show("GET", "/api/choose/{id}", c.get("/api/choose/2")) // it has a parent
	d.show("GET", "/api/status", newCaller(t, full).get("/api/status"))
	showLost(d, vl, url)
	if left := d.unseen(); len(left) > 0 {
		t.Errorf("in the document, but never seen:\n\t%s", strings.Join(left, "\n\t"))
	}
}

// showLost shows posts that get no answer, both at once: they are tried until
// their time is over.
func showLost(d *document, vl *village, url string) {
	vl.when(nil, writes)
	var lost sync.WaitGroup
	for _, path := range []string{"/api/post", "/api/reply/{id}"} {
		lost.Go(func() {
			c := newCaller(d.t, url)
			d.show("POST", path, c.post(strings.Replace(path, "{id}", "1", 1), `{"author":"alice","body":"b"}`))
		})
	}
	lost.Wait()
}

// fullSource is a cluster of which everything is to be told.
type fullSource struct{ nowhere }

func (fullSource) Status(context.Context) (*supervisor.ClusterStatus, error) {
	var s supervisor.ClusterStatus
	fill(reflect.ValueOf(&s).Elem())
	s.Replicas[0].State, s.Replicas[0].ClientAddr = supervisor.StateServing, "127.0.0.1:1"
	return &s, nil
}

// fill gives all fields a value that is not zero, so that JSON has them, also
// those that somebody adds.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64, reflect.Uint32:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1e9, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("fill " + v.Type().String())
	}
}
