package web

import (
	"errors"
	"slices"
	"sync"

	"consequor/board"
)

// The limits of what is remembered of one visitor; beyond, the oldest goes.
const (
	sendingsMax = 32
	noticesMax  = 8
)

// visitor is one browser: a session of the board, with what it chose.
type visitor struct {
	id   string
	life string // of what this server remembers: another after each start

	mu       sync.Mutex
	name     string // empty: not signed in
	at       string // a replica's name; empty: any
	token    board.Token
	sendings []sending
	forgot   bool // some sending was forgotten
	notices  []notice
}

// sending is what became of a form's key.
type sending struct {
	form  string // the key that the form has
	key   string // the key that was sent: the form's, unless its home was gone
	doubt bool   // a try ended unknown
}

// notice is what a page tells at its head after what was done before it.
type notice struct {
	id   string
	Text string
	Line string // where it was done, and what it is worth
	Sent string // the form that was sent: its draft is not needed any more; may be empty
}

// seen returns the session's token.
func (v *visitor) seen() board.Token {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.token
}

// join adds what an answer showed. An answer of another cluster begins the
// session anew; joined tells.
func (v *visitor) join(t board.Token) (joined bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	token, err := v.token.Join(t)
	if errors.Is(err, board.ErrOtherCluster) {
		v.token = t
		return false
	}
	if err == nil {
		v.token = token
	}
	return true
}

// forget begins the session anew: what it had seen is of another cluster.
func (v *visitor) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.token = board.Token{}
}

// choices returns the visitor's name and replica.
func (v *visitor) choices() (name, at string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.name, v.at
}

func (v *visitor) setName(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.name = name
}

func (v *visitor) setAt(replica string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.at = replica
}

// sent returns what became of a form's key. unsent tells that it was surely
// never sent: it was made in this life, of which no sending was forgotten.
func (v *visitor) sent(form, life string) (s sending, known, unsent bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.find(form); i >= 0 {
		return v.sendings[i], true, false
	}
	return sending{form: form, key: form}, false, life == v.life && !v.forgot
}

// claim remembers a sending before it is sent, unless the same form has been
// claimed meanwhile: then it returns that. Who clicks twice sends once.
func (v *visitor) claim(s sending) sending {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.find(s.form); i >= 0 {
		return v.sendings[i]
	}
	if len(v.sendings) == sendingsMax {
		v.sendings, v.forgot = slices.Delete(v.sendings, 0, 1), true
	}
	v.sendings = append(v.sendings, s)
	return s
}

func (v *visitor) find(form string) int {
	return slices.IndexFunc(v.sendings, func(s sending) bool { return s.form == form })
}

// keep remembers what became of a sending. A doubt stays.
func (v *visitor) keep(s sending) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.find(s.form); i >= 0 {
		s.doubt = s.doubt || v.sendings[i].doubt
		v.sendings[i] = s
	}
}

// tell leaves a notice for the next page, which asks for it by its id.
func (v *visitor) tell(n notice) (id string) {
	n.id = newID()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.notices) == noticesMax {
		v.notices = slices.Delete(v.notices, 0, 1)
	}
	v.notices = append(v.notices, n)
	return n.id
}

func (v *visitor) told(id string) *notice {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.notices {
		if v.notices[i].id == id {
			n := v.notices[i]
			return &n
		}
	}
	return nil
}
