package history

import "consequor/board"

// match finds which operation added which article: by key; without one by the
// id that was answered, and what nobody answered by its content.
func (x *index) match(ops []Op) {
	x.opOf, x.articleOf = filled(len(x.articles)), filled(len(ops))
	byKey, byID, unanswered, refused := map[string]int{}, map[board.ArticleID]int{}, map[Sum][]int{}, map[Sum][]int{}
	for i := range ops {
		op := &ops[i]
		switch {
		case !op.Verb.Writes():
		case op.Key != "":
			byKey[op.Key] = i
		case len(op.IDs) > 0:
			for _, id := range op.IDs {
				byID[id] = i
			}
			if len(op.Tries) > len(op.IDs) { // an earlier try may have added one more
				unanswered[op.Content] = append(unanswered[op.Content], i)
			}
		case op.Outcome == Refused:
			refused[op.Content] = append(refused[op.Content], i)
		default:
			unanswered[op.Content] = append(unanswered[op.Content], i)
		}
	}
	for position, a := range x.articles {
		op, ok := byKey[a.Key]
		if a.Key == "" {
			op, ok = byID[a.ID]
		}
		if !ok && a.Key == "" {
			op, ok = takeFirst(unanswered, ContentOf(a))
		}
		if !ok && a.Key == "" {
			op, ok = takeFirst(refused, ContentOf(a))
		}
		if ok {
			x.opOf[position] = op
			if x.articleOf[op] < 0 {
				x.articleOf[op] = position
			}
		}
	}
	for i := range ops {
		if ops[i].Outcome == OK && len(ops[i].IDs) > 0 {
			if position, ok := x.at[ops[i].IDs[0]]; ok {
				x.articleOf[i] = position
			}
		}
	}
}

func filled(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// takeFirst takes one operation of this content. The last one stays: it may
// have added more than one article, as may any post without a key.
func takeFirst(ops map[Sum][]int, content Sum) (op int, ok bool) {
	rest := ops[content]
	if len(rest) == 0 {
		return 0, false
	}
	if len(rest) > 1 {
		ops[content] = rest[1:]
	}
	return rest[0], true
}
