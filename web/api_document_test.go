package web

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// schema is as much of JSON Schema as the document uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a name, or a list of names
	Enum       []string           `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Open       bool               `json:"additionalProperties"`
	Items      *schema            `json:"items"`
	OneOf      []*schema          `json:"oneOf"`
}

type operation struct {
	Parameters []struct{ Name, In string } `json:"parameters"`
	Body       *struct {
		Content map[string]struct{ Schema *schema } `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema } `json:"content"`
	} `json:"responses"`
}

// document is openapi.json beside what the server does: whatever it is shown is
// checked, and at the end nothing may be left in it that was never seen.
type document struct {
	t          *testing.T
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`

	mu   sync.Mutex
	seen map[string]bool // "Article.id", "GET /api/read 200"
}

func theDocument(t *testing.T, text string) *document {
	t.Helper()
	d := &document{t: t, seen: make(map[string]bool)}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// show checks an answer to an operation.
func (d *document) show(method, path string, c *caller) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	where := fmt.Sprintf("%s %s %d", method, path, c.code)
	op := d.Paths[path][strings.ToLower(method)]
	if op == nil {
		d.t.Fatalf("%s is not in the document", where)
	}
	response, ok := op.Responses[fmt.Sprint(c.code)]
	if !ok {
		d.t.Errorf("%s is not in the document: %s", where, c.text)
		return
	}
	d.seen[where] = true
	var v any
	if err := json.Unmarshal([]byte(c.text), &v); err != nil {
		d.t.Errorf("%s: %v", where, err)
		return
	}
	if err := d.check(response.Content[c.head.Get("Content-Type")].Schema, "", v); err != nil {
		d.t.Errorf("%s: %v: %s", where, err, c.text)
	}
}

// check says what of v is not as the schema, which is called name, has it.
func (d *document) check(s *schema, name string, v any) error {
	switch {
	case s == nil:
		return fmt.Errorf("%s has no schema", name)
	case s.Ref != "":
		name = strings.TrimPrefix(s.Ref, "#/components/schemas/")
		return d.check(d.Components.Schemas[name], name, v)
	case s.OneOf != nil:
		return d.checkOneOf(s, name, v)
	case !slices.Contains(typesOf(s), typeOf(v)) && !(typeOf(v) == "integer" && slices.Contains(typesOf(s), "number")):
		return fmt.Errorf("%s is a %s, the document says %v", name, typeOf(v), s.Type)
	case s.Enum != nil && !slices.Contains(s.Enum, fmt.Sprint(v)):
		return fmt.Errorf("%s is %v, the document says %v", name, v, s.Enum)
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := d.check(s.Items, name+"[]", item); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.checkObject(s, name, v)
	}
	return nil
}

func (d *document) checkOneOf(s *schema, name string, v any) error {
	var err error
	for _, one := range s.OneOf {
		if err = d.check(one, name, v); err == nil {
			return nil
		}
	}
	return err
}

func (d *document) checkObject(s *schema, name string, v map[string]any) error {
	if s.Open {
		return nil
	}
	for _, field := range s.Required {
		if _, ok := v[field]; !ok {
			return fmt.Errorf("%s lacks %s, which the document promises", name, field)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(v)) {
		p := s.Properties[field]
		if p == nil {
			return fmt.Errorf("%s has %s, which is not in the document", name, field)
		}
		d.seen[name+"."+field] = true
		if err := d.check(p, name+"."+field, v[field]); err != nil {
			return err
		}
	}
	return nil
}

func typesOf(s *schema) []string {
	if one, ok := s.Type.(string); ok {
		return []string{one}
	}
	var list []string
	many, _ := s.Type.([]any)
	for _, one := range many {
		list = append(list, one.(string))
	}
	return list
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// unseen is what the document has and nobody has shown.
func (d *document) unseen() []string {
	var list []string
	for path, methods := range d.Paths {
		for method, op := range methods {
			for code := range op.Responses {
				list = append(list, strings.ToUpper(method)+" "+path+" "+code)
			}
		}
	}
	for name, s := range d.Components.Schemas {
		for field := range s.Properties {
			list = append(list, name+"."+field)
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(list, func(what string) bool { return d.seen[what] })
}

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
