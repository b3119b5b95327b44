package modeplugin

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// effectsMax bounds the effects of one step, and the articles in them. An
// effect takes two bytes on the wire and a hundred in memory: the size of a
// message alone would let a plugin fill its host's memory.
const effectsMax = 1 << 18

// Fields of mode.proto that checkSize looks into.
const (
	fieldEffect  = 2 // of Effects
	fieldStore   = 3 // of Effect
	fieldArticle = 1 // of Store
)

// checkSize counts what an Effects message would become, before it is decoded.
// What is malformed is left to the decoder, which says more about it.
func checkSize(buf []byte) error {
	effects, articles := 0, 0
	eachField(buf, fieldEffect, func(effect []byte) {
		effects++
		eachField(effect, fieldStore, func(store []byte) {
			eachField(store, fieldArticle, func([]byte) { articles++ })
		})
	})
	if effects > effectsMax || articles > effectsMax {
		return fmt.Errorf("a step of %d effects with %d articles, the limit of each is %d", effects, articles, effectsMax)
	}
	return nil
}

// eachField visits the bytes of each field of that number, up to the first that
// is malformed.
func eachField(message []byte, number protowire.Number, visit func([]byte)) {
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		if field == number && kind == protowire.BytesType {
			value, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return
			}
			visit(value)
			message = message[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(field, kind, message); size < 0 {
			return
		}
		message = message[size:]
	}
}
