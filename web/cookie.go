package web

import (
	"container/list"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"consequor/board"
)

const (
	cookieAge = 365 * 24 * time.Hour

	// Browsers keep a cookie of 4 KiB. A longer token, of hundreds of origins, is
	// remembered by this server alone.
	cookieTokenMax = 2400
)

// kept is what a cookie says, as JSON, before its signature.
type kept struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	At    string `json:"at,omitempty"`
	Token string `json:"token,omitempty"`
}

// visitors are those that were here lately. A visitor that is not remembered is
// what its cookie says.
type visitors struct {
	key []byte

	mu    sync.Mutex
	byID  map[string]*list.Element // of *visitor
	order *list.List               // who was here last comes first
}

func newVisitors(key []byte) *visitors {
	return &visitors{key: key, byID: make(map[string]*list.Element), order: list.New()}
}

func newID() string {
	var random [12]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// mac signs a text for one purpose.
func (vs *visitors) mac(purpose, text string) string {
	h := hmac.New(sha256.New, vs.key)
	h.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:20])
}

// formToken is what a form of this visitor must bring.
func (vs *visitors) formToken(v *visitor) string { return vs.mac("form", v.id) }

func (vs *visitors) formTokenFits(v *visitor, token string) bool {
	return hmac.Equal([]byte(token), []byte(vs.formToken(v)))
}

// find returns the visitor of a cookie's value; a new one if it says nothing.
func (vs *visitors) find(value string) *visitor {
	k, ok := vs.decode(value)
	if !ok {
		k = kept{ID: newID()}
	}
	token, _ := board.ParseToken(k.Token) // we wrote it
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if e := vs.byID[k.ID]; e != nil {
		vs.order.MoveToFront(e)
		v := e.Value.(*visitor)
		return v // it has seen all that its cookies say: they were made from it
	}
	v := &visitor{id: k.ID, name: k.Name, at: k.At, token: token, life: newID()}
	vs.byID[v.id] = vs.order.PushFront(v)
	if vs.order.Len() > visitorsMax {
		delete(vs.byID, vs.order.Remove(vs.order.Back()).(*visitor).id)
	}
	return v
}

func (vs *visitors) decode(value string) (k kept, ok bool) {
	text, mac, ok := strings.Cut(value, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(vs.mac("cookie", text))) {
		return kept{}, false
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, &k) != nil {
		return kept{}, false
	}
	return k, k.ID != ""
}

// encode is what the visitor's cookie says from now on.
func (vs *visitors) encode(v *visitor) string {
	v.mu.Lock()
	k := kept{ID: v.id, Name: v.name, At: v.at, Token: v.token.String()}
	v.mu.Unlock()
	if len(k.Token) > cookieTokenMax {
		k.Token = ""
	}
	data, err := json.Marshal(k)
	if err != nil {
		panic("web: a cookie that is no JSON: " + err.Error()) // four strings
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + vs.mac("cookie", text)
}

// set gives the browser its cookie, unless it has just this one.
func (vs *visitors) set(w http.ResponseWriter, name, had string, v *visitor) {
	value := vs.encode(v)
	if value == had {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode})
}
