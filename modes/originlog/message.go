package originlog

import (
	"encoding/binary"
	"fmt"
	"time"

	"consequor/board"
	"consequor/modes"
)

// What replicas say to each other. The first byte of a message says which of
// these it is; integers are unsigned varints, the rest is length-prefixed.
//
// An incarnation and a number name what a message began, so that an answer that
// comes late, or to an earlier life, answers nothing.
const (
	messageAsk     byte = iota + 1 // "what does your board hold?", perhaps with "send me what mine lacks"
	messageHave                    // what the sender's board holds, durably: always held
	messagePush                    // comes with a span that nobody asked for
	messageForward                 // a post, on its way to its key's home
	messageDone                    // a forwarded post has its article, on as many disks as it needs
	messageUnknown                 // a forwarded post will not be acknowledged
)

// ask asks for a peer's vector. The asker's own may not be durable: it says
// what not to send, and counts for nothing else.
type ask struct {
	incarnation uint64
	number      uint64 // of a round or a pull; 0: of a greeting
	span        bool   // send what this board lacks, too
	board       board.Vector
}

func appendAsk(dst []byte, a ask) []byte {
	dst = append(dst, messageAsk)
	dst = binary.AppendUvarint(dst, a.incarnation)
	dst = binary.AppendUvarint(dst, a.number)
	dst = append(dst, boolByte(a.span))
	return board.AppendVector(dst, a.board)
}

func cutAsk(r *board.Reader) ask {
	return ask{incarnation: r.Uvarint(), number: r.Uvarint(), span: r.Byte() != 0, board: r.Vector()}
}

// have tells what is on the sender's disk. It answers an ask or a push of that
// incarnation and number, or (0) nothing.
type have struct {
	incarnation uint64
	number      uint64
	board       board.Vector
}

func appendHave(dst []byte, h have) []byte {
	dst = append(dst, messageHave)
	dst = binary.AppendUvarint(dst, h.incarnation)
	dst = binary.AppendUvarint(dst, h.number)
	return board.AppendVector(dst, h.board)
}

func cutHave(r *board.Reader) have {
	return have{incarnation: r.Uvarint(), number: r.Uvarint(), board: r.Vector()}
}

// push is what comes with a span that was not asked for.
type push struct{ incarnation, number uint64 }

func appendPush(dst []byte, p push) []byte {
	dst = append(dst, messagePush)
	dst = binary.AppendUvarint(dst, p.incarnation)
	return binary.AppendUvarint(dst, p.number)
}

func cutPush(r *board.Reader) push { return push{incarnation: r.Uvarint(), number: r.Uvarint()} }

// forward carries a post to its home. The asker's board has its parent.
type forward struct {
	incarnation uint64
	request     modes.RequestID
	mark        uint64
	left        time.Duration // until its deadline; 0: it has none
	seen        board.Vector
	article     board.Article // without id; its Key is never empty
}

func appendForward(dst []byte, f *forward) []byte {
	dst = append(dst, messageForward)
	dst = binary.AppendUvarint(dst, f.incarnation)
	dst = binary.AppendUvarint(dst, uint64(f.request))
	dst = binary.AppendUvarint(dst, f.mark)
	dst = binary.AppendUvarint(dst, uint64(f.left))
	dst = board.AppendVector(dst, f.seen)
	return board.AppendArticle(dst, &f.article)
}

func cutForward(r *board.Reader) forward {
	return forward{
		incarnation: r.Uvarint(), request: modes.RequestID(r.Uvarint()), mark: r.Uvarint(),
		left: time.Duration(min(r.Uvarint(), uint64(leftMax))), seen: r.Vector(), article: r.Article(),
	}
}

// leftMax bounds the time that a forward may say is left.
const leftMax = 24 * time.Hour

// done ends a forward: this is its article.
type done struct {
	incarnation uint64
	request     modes.RequestID
	id          board.ArticleID
	copies      int
}

func appendDone(dst []byte, d done) []byte {
	dst = append(dst, messageDone)
	dst = binary.AppendUvarint(dst, d.incarnation)
	dst = binary.AppendUvarint(dst, uint64(d.request))
	dst = board.AppendID(dst, d.id)
	return binary.AppendUvarint(dst, uint64(d.copies))
}

func cutDone(r *board.Reader) done {
	return done{incarnation: r.Uvarint(), request: modes.RequestID(r.Uvarint()), id: r.ID(), copies: int(r.Uvarint())}
}

// unknown ends a forward: its home will not say more.
type unknown struct {
	incarnation uint64
	request     modes.RequestID
	why         string
}

func appendUnknown(dst []byte, u unknown) []byte {
	dst = append(dst, messageUnknown)
	dst = binary.AppendUvarint(dst, u.incarnation)
	dst = binary.AppendUvarint(dst, uint64(u.request))
	dst = binary.AppendUvarint(dst, uint64(len(u.why)))
	return append(dst, u.why...)
}

func cutUnknown(r *board.Reader) unknown {
	return unknown{incarnation: r.Uvarint(), request: modes.RequestID(r.Uvarint()), why: string(r.Bytes())}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// DescribeMessage tells what a message says, for transcripts.
func DescribeMessage(message []byte) string {
	r := board.Reader{Rest: message}
	switch r.Byte() {
	case messageAsk:
		a := cutAsk(&r)
		switch {
		case a.number == 0:
			return "greets: what does your board hold?"
		case a.span:
			return fmt.Sprintf("ask %d: what does your board hold beyond %s? send it", a.number, a.board)
		}
		return fmt.Sprintf("ask %d: what does your board hold?", a.number)
	case messageHave:
		if h := cutHave(&r); h.number > 0 {
			return fmt.Sprintf("answers %d: my disk holds %s", h.number, h.board)
		} else {
			return "my disk holds " + h.board.String()
		}
	case messagePush:
		return fmt.Sprintf("push %d", cutPush(&r).number)
	case messageForward:
		f := cutForward(&r)
		return fmt.Sprintf("forward of %q, key %s", f.article.Title, f.article.Key)
	case messageDone:
		d := cutDone(&r)
		return fmt.Sprintf("done: it is %s, %d copies", d.id, d.copies)
	case messageUnknown:
		return "unknown: " + cutUnknown(&r).why
	}
	return "malformed"
}
