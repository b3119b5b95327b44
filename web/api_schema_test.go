package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
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
