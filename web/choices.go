package web

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"consequor/board"
	"consequor/replicad/api"
)

// crlf makes one line end of what browsers send.
var crlf = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// onName signs a visitor in, or, without a name, out.
func onName(v *visit) {
	if v.trouble != nil {
		v.fail(v.trouble)
		return
	}
	name := cleanName(v.form.Get("name"))
	if name == "" {
		v.visitor.setName("")
		v.redirect(v.back(), nil)
		return
	}
	if !v.signIn(name) {
		v.fail(v.trouble)
		return
	}
	v.redirect(v.back(), nil)
}

// cleanName is a name as it is kept: what cannot be seen is left out.
func cleanName(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

func (v *visit) signIn(name string) bool {
	if len(name) > board.AuthorLenMax || !utf8.ValidString(name) {
		v.trouble = &trouble{http.StatusUnprocessableEntity, "The name is too long",
			fmt.Sprintf("It has %d bytes, %d at most are allowed.", len(name), board.AuthorLenMax), "Choose a shorter one."}
		return false
	}
	v.visitor.setName(name)
	return true
}

// onReplica chooses the replica that answers from now on.
func onReplica(v *visit) {
	if v.trouble != nil {
		v.fail(v.trouble)
		return
	}
	at := v.form.Get("at")
	if at != "" && (v.status == nil || v.status.Replica(at) == nil) {
		v.fail(&trouble{http.StatusNotFound, "No such replica", "There is no replica of that name.", "Choose one of the list."})
		return
	}
	v.visitor.setAt(at)
	v.redirect(v.back(), nil)
}

// syncText tells what a sync did.
func syncText(a *api.Answer) string {
	text := fmt.Sprintf("%s is up to date: %d %s came", a.Replica, a.Count, plural(a.Count, "article"))
	if len(a.Reached) > 0 {
		text += ", reached " + strings.Join(a.Reached, ", ")
	}
	if len(a.Missed) > 0 {
		text += ", missed " + strings.Join(a.Missed, ", ")
	}
	return text + "."
}

// onNowhere answers for paths that there are not.
func onNowhere(v *visit) {
	v.fail(&trouble{http.StatusNotFound, "No such page", "There is nothing at " + cut(v.r.URL.Path, 80) + ".", "The board is at /."})
}
