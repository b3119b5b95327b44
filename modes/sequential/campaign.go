package sequential

import (
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
)

// How long a campaign is waited for.
const (
	// campaignTime is longer than a round of votes takes where each disk and link
	// has a bad day, and shorter than patienceMin: whoever has voted waits for its
	// candidate, and then has patience left.
	campaignTime = 400 * time.Millisecond

	// campaignPower is how often that doubles for a candidate whose campaigns are
	// not answered in time: there are worse disks.
	campaignPower = 3
)

// campaign is what this voter has asked the others, and what they said.
//
// With three voters, r1 gone, disks that take 60 ms, and nobody that waits:
//
//  1. r2 asks for votes in term 4. r3 gives its own, which is on its way to the
//     disk.
//  2. 30 ms later r2 asks anew. For raft that is another campaign: r3's vote
//     in term 4 counts no more when it comes. r3 would vote in term 5 too.
//  3. r2 is a candidate of term 5, and so on: terms pile up, and none has a
//     coordinator.
//
// So a campaign is given up only when it can't be won any more, or takes too
// long. Until then who has not answered is asked again, which costs nothing: a
// voter repeats its vote. And who has voted for r2 in term 4 does not so much as
// promise a vote in term 5 to anybody else, as long as r2 may still win.
type campaign struct {
	ask      *pb.Message       // raft's, to one of the voters; nil: nobody was asked
	ends     time.Duration     // so long it is waited for
	answered []board.ReplicaID // that have, this voter too
	granted  int               // by so many of them
	late     int               // campaigns before it that were not answered in time
}

// split is about terms in which this voter got votes, and too few.
type split struct {
	term  uint64 // the last one that it has waited for
	times int
}

// ballot is a vote that this voter gave to another.
type ballot struct {
	word               // whose campaign, in which term
	ends time.Duration // so long it is waited for
}

// campaign asks the voters. Raft first asks whether they would vote for it, so
// that a term is not wasted.
func (m *Mode) campaign(why string) {
	m.note("campaigns for term %d: %s", m.term+1, why)
	late := m.election.campaign.late
	if m.role == raft.StateCandidate && m.now >= m.election.campaign.ends {
		late++
	}
	m.election.campaign = campaign{late: late}
	if err := m.node.Campaign(); err != nil {
		m.note("cannot campaign: %v", err)
	}
}

// asks takes notice of raft asking for votes, or whether there would be votes.
func (m *Mode) asks(message *pb.Message) {
	if kind := message.GetType(); kind != pb.MsgVote && kind != pb.MsgPreVote {
		return
	}
	c := &m.election.campaign
	if c.ask != nil && c.ask.GetType() == message.GetType() && c.ask.GetTerm() == message.GetTerm() {
		return // the same, of another voter
	}
	*c = campaign{
		ask: message, ends: m.now + campaignTime<<min(c.late, campaignPower),
		answered: []board.ReplicaID{m.self}, granted: 1, late: c.late,
	}
}

// answers takes notice of what a voter says to that.
func (m *Mode) answers(message *pb.Message, from board.ReplicaID) {
	c := &m.election.campaign
	if c.ask == nil || message.GetType() != answerTo(c.ask) || contains(c.answered, from) {
		return
	}
	granted := !message.GetReject() && message.GetTerm() == c.ask.GetTerm()
	if granted {
		c.granted++
	}
	if granted || message.GetReject() {
		c.answered = append(c.answered, from)
	}
}

func answerTo(ask *pb.Message) pb.MessageType {
	if ask.GetType() == pb.MsgPreVote {
		return pb.MsgPreVoteResp
	}
	return pb.MsgVoteResp
}

// campaigning reports whether this voter's campaign may still be won: with the
// votes of all that can be reached and have not answered.
func (m *Mode) campaigning() bool {
	c := &m.election.campaign
	if c.ask == nil || m.now >= c.ends {
		return false
	}
	switch {
	case m.role == raft.StatePreCandidate && c.ask.GetType() == pb.MsgPreVote:
	case m.role == raft.StateCandidate && c.ask.GetType() == pb.MsgVote && c.ask.GetTerm() == m.term:
	default:
		return false
	}
	hope := c.granted
	for _, v := range m.voters {
		if m.connected[v] && !contains(c.answered, v) {
			hope++
		}
	}
	return hope >= m.majority()
}

// hasVoted reports whether this voter's vote may still make its candidate the
// coordinator: itself, or another.
func (m *Mode) hasVoted() bool {
	if m.role == raft.StateCandidate {
		return m.campaigning()
	}
	b := &m.election.ballot
	return b.term == m.term && m.lead == 0 && m.connected[b.replica] && m.now < b.ends
}

// votesFor takes notice of a vote given to another voter, or given again, since
// its candidate still asks.
func (m *Mode) votesFor(candidate board.ReplicaID, term uint64) {
	m.restartPatience()
	m.election.ballot = ballot{word{term, candidate}, m.now + campaignTime}
}

// keepsBack reports whether a vote for the next term is not promised yet, as the
// one of this term may still count. A candidate that asks for the next one has
// given up on this one, and one of a still later term knows more.
func (m *Mode) keepsBack(message *pb.Message, from board.ReplicaID) bool {
	if message.GetType() != pb.MsgPreVote {
		return false
	}
	m.drain() // the vote may have been given in this very batch
	return message.GetTerm() == m.term+1 && m.hasVoted() && m.election.ballot.word != word{m.term, from}
}

// askVotes campaigns, or asks those again that have not answered.
func (m *Mode) askVotes(why string) {
	m.drain() // the campaign may have ended in this very batch
	switch {
	case m.campaigning():
		m.askAgain()
	case !m.hasVoted():
		m.campaign(why)
	}
}

func (m *Mode) askAgain() {
	c := &m.election.campaign
	for _, v := range m.voters {
		if m.connected[v] && !contains(c.answered, v) {
			packMessage(m.packNow, &pb.Message{
				Type: c.ask.Type, From: c.ask.From, To: new(uint64(v)), Term: c.ask.Term,
				Index: c.ask.Index, LogTerm: c.ask.LogTerm, Context: c.ask.Context,
			})
		}
	}
}
