package sequential

import (
	"math"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// The mutants inside raft. Its code is not ours, so they are made by changing
// what goes into its Step and what comes out of its Ready. Nothing here runs
// without a mutant; those of our own rules stand beside their rules.
//
// The shortest runs that they break, with replicas r1, r2, r3:
//
//	M2  r1 and r2 lose the coordinator, r3, together, and both campaign for term
//	    4. Each elects itself: two coordinators in one term.
//	M3  r3 votes for r1 in term 4 and dies before that is on disk. It comes back,
//	    and votes for r2 in term 4 too.
//	M4  r1, coordinator of term 2, has sent r2 its entry 5, which is late. r3
//	    coordinates in term 3 and commits its own entry 5 with r2. Now r1's comes:
//	    r2 replaces what is committed; r3 dies, and r1 or r2 is elected.
//	M5  r1 posts, and r2 acknowledges at once. r1 answers; r1 and r2 lose power,
//	    and r2 comes back without the entry. r2 and r3 elect.
//	M6  r1 saves entry 5 in term 2 alone, and dies. r2 coordinates in term 3, saves
//	    its own entry 5 alone, and dies. r1 coordinates in term 4 and gives its
//	    entry 5 to r3: two of three have it, and r1 applies it. r1 dies before
//	    r3 has its entry of term 4; r2 is elected with r3's vote, as its log ends
//	    in a higher term, and replaces entry 5.
//	M7  r1 commits with r2 while r3 is cut off. r1 dies, r3 is back and campaigns
//	    before r2 does, and r2 votes for it.

// tamperIn changes a message before raft takes it.
func (m *Mode) tamperIn(message *pb.Message) {
	kind := message.GetType()
	switch m.mutant {
	case mutants.M4:
		fromCoordinator := kind == pb.MsgApp || kind == pb.MsgHeartbeat || kind == pb.MsgSnap
		if term := m.node.BasicStatus().GetTerm(); fromCoordinator && message.GetTerm() < term {
			message.Term = new(term)
		}
	case mutants.M7:
		if kind == pb.MsgVote || kind == pb.MsgPreVote {
			message.LogTerm = new(uint64(math.MaxUint64)) // above that of any voter's log
		}
	}
}

// tamperAfter adds to what raft has just taken.
func (m *Mode) tamperAfter(message *pb.Message) {
	kind := message.GetType()
	switch m.mutant {
	case mutants.M2:
		own := board.ReplicaID(message.GetFrom()) == m.self && !message.GetReject()
		if own && (kind == pb.MsgVoteResp || kind == pb.MsgPreVoteResp) {
			m.forgeVotes(message)
		}
	case mutants.M6:
		if kind == pb.MsgAppResp && m.leads() {
			m.countOldTerms()
		}
	}
}

// forgeVotes gives a candidate that has voted for itself the votes of all
// others.
func (m *Mode) forgeVotes(own *pb.Message) {
	for _, v := range m.voters {
		if v != m.self {
			m.toRaft(&pb.Message{Type: own.Type, From: new(uint64(v)), To: own.To, Term: own.Term})
		}
	}
}

// countOldTerms applies what a majority has saved though it is of an older term,
// as if that were committed.
func (m *Mode) countOldTerms() {
	matches := m.matches()
	var saved []uint64
	for _, v := range m.voters {
		saved = append(saved, matches[v])
	}
	slices.Sort(saved)
	index := saved[len(saved)-m.majority()]
	if index <= m.applied || index > m.log.last() || m.termAt(index) >= m.term {
		return
	}
	m.note("counts entry %d, of term %d, as committed in term %d", index, m.termAt(index), m.term)
	m.committed = max(m.committed, index)
	m.applyEntries(&pb.Message{Entries: m.log.entries[m.applied-m.log.base : index-m.log.base]})
}

// aheadOfRaft reports that countOldTerms has applied what raft has yet to: that
// must not be trimmed.
func (m *Mode) aheadOfRaft() bool {
	return m.mutant == mutants.M6 && m.applied > m.node.BasicStatus().Applied
}

// unapplied leaves out what countOldTerms has applied before raft said so.
func (m *Mode) unapplied(entries []*pb.Entry) []*pb.Entry {
	for len(entries) > 0 && entries[0].GetIndex() <= m.applied {
		entries = entries[1:]
	}
	return entries
}

// tamperOut changes a message of raft's before it leaves. Where old entries are
// counted they travel alone: a coordinator's first entry of its own, which makes
// them safe, follows with a heartbeat's answer.
func (m *Mode) tamperOut(message *pb.Message) {
	if m.mutant != mutants.M6 || message.GetType() != pb.MsgApp {
		return
	}
	old := 0
	for old < len(message.GetEntries()) && message.GetEntries()[old].GetTerm() < message.GetTerm() {
		old++
	}
	if old > 0 {
		message.Entries = message.Entries[:old]
	}
}

// tooEarly reports whether a response to another replica is sent without
// waiting for the disk: with M3 a vote, with M5 that entries are saved.
func (m *Mode) tooEarly(response *pb.Message) bool {
	switch m.mutant {
	case mutants.M3:
		return response.GetType() == pb.MsgVoteResp
	case mutants.M5:
		return response.GetType() == pb.MsgAppResp
	}
	return false
}

// answerEarly is M1's: a coordinator answers its own posts when it has saved
// them itself. The ids are those that they will get if nothing goes wrong.
func (m *Mode) answerEarly() {
	next, counted := m.state.next, make(map[string]bool)
	for _, e := range m.log.entries[m.applied-m.log.base:] {
		if len(e.GetData()) == 0 || e.GetData()[0] != entryPost {
			continue
		}
		p, err := cutPost(e.GetData()[1:])
		_, found := m.lookUp(p.article.Key, p.mark)
		if err != nil || found != keyNew || p.epoch <= m.state.sealed || counted[p.article.Key] {
			continue
		}
		counted[p.article.Key] = p.article.Key != ""
		if q, ok := m.waiting.byID[p.nonce.request]; ok && p.nonce.replica == m.self && p.nonce.incarnation == m.incarnation {
			m.waiting.end(q)
			m.out.Reply(modes.Reply{Request: q.id, Outcome: modes.OK, ID: board.ArticleID{Seq: next}, Copies: m.majority(), Guarantee: guaranteeLinearizable})
		}
		next++
	}
}

// claimAll is M13's: who keeps the end of its log under a snapshot also tells
// the coordinator that it has all up to there.
func (m *Mode) claimAll(responses []*pb.Message) {
	for _, r := range responses {
		if r.GetType() == pb.MsgAppResp && !r.GetReject() {
			r.Index = new(m.log.last())
		}
	}
}

// drawID is M10's: a coordinator writes the id into a post that it proposes.
func (m *Mode) drawID(entry []byte) []byte {
	p, err := cutPost(entry[1:])
	if err != nil {
		return entry
	}
	m.drawn = max(m.drawn+1, m.state.next)
	p.article.ID = board.ArticleID{Seq: m.drawn}
	return appendPost(nil, &p)
}
