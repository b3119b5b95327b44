// Package board is the vocabulary of consequor: articles and their ids, the
// vectors that say exactly what a board holds, the tokens that sessions carry,
// and a Board in memory.
//
// A board is one log of articles per origin:
//
//	origin 0 (the cluster)   1 ── 2 ── 3 ── 4            sequential: "3"
//	origin 1 (replica r1)    1.1 ── 4.1                  the other modes: "4.1"
//	origin 2 (replica r2)    2.2 ── 3.2 ── 5.2
//
//	vector of this board     4, 4.1, 5.2                 the last id of each origin
//
// Boards grow in two ways only: by an origin's own next article, and by whole
// spans (everything that another board holds beyond this one's vector). So a
// vector, though it names only the last article of each origin, says exactly
// which articles a board holds, and what one board lacks of another is the
// difference of two vectors (version vectors: Parker et al. 1983).
//
// Ids are ordered by (seq, origin) as integers; in that order a reply always
// comes after its parent.
//
// The package does no I/O and reads no clock; every other package speaks its
// words.
package board
