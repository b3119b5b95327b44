package sequential

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"consequor/board"
	"consequor/modes"
	"consequor/mutants"
)

// How raft is set up. Its own clock is used by the coordinator only; one tick
// is tickInterval.
//
// The sizes keep what one step wants done below the 16 MiB that a plugin may
// answer: with seven voters and a full batch (4 MiB of posts), 4 MiB are saved,
// 7.5 MiB sent and 2 MiB stored. Records and messages stay below 1 MiB, so that
// a host can hand them out in pieces and bound its queues.
const (
	electionTicks      = 10 // without a majority's answers the coordinator steps down; a follower keeps off candidates
	messageSizeMax     = 256 << 10
	inFlightLenMax     = 256 // messages that a follower has not answered
	inFlightSizeMax    = 1 << 20
	uncommittedSizeMax = 32 << 20  // beyond, raft drops proposals; they are tried again
	applySizeMax       = 2 << 20   // applied in one step; the rest in the next one
	chunkSizeMax       = 512 << 10 // of entries in a record, of the engine's messages in one of ours, of posts in a forward
)

// The first entry of an epoch is a snapshot that all replicas know.
const (
	bootIndex = 1
	bootTerm  = 1
)

// durability is what waits for the disk.
type durability struct {
	messages []*pb.Message // raft's, to itself
	forget   uint64        // records up to this one are not wanted any more
	trim     uint64        // nor entries up to this one
}

// startEngine brings raft to where the journal ends.
func (m *Mode) startEngine() error {
	m.firstLife = m.past.number == 0
	m.recordNumber, m.kept = m.past.number, m.past.kept
	if m.firstLife {
		m.boot()
	}
	l, err := m.past.log()
	if err != nil {
		return err
	}
	l.snapshot = m.snapshot
	m.log, m.state = l, m.past.snapshot.state
	if m.mutant == mutants.M11 { // the log's posts get ids above the board's, not their own again
		m.state.next = max(m.state.next, m.clusterTo+1)
	}
	m.term, m.applied, m.committed = l.term, l.base, l.base
	m.forwards.startTerm = l.term
	m.past = past{}
	m.node, err = raft.NewRawNode(m.raftConfig())
	return err
}

// boot saves the epoch's first snapshot.
func (m *Mode) boot() {
	s := snapshotRecord{
		term:      bootTerm,
		index:     bootIndex,
		indexTerm: bootTerm,
		voters:    voterIDs(m.voters),
		state:     newState(m.base),
	}
	m.save(appendSnapshotRecord(nil, &s))
	m.past.term, m.past.snapshot = s.term, &s
}

func (m *Mode) raftConfig() *raft.Config {
	return &raft.Config{
		ID:                        uint64(m.self),
		ElectionTick:              electionTicks,
		HeartbeatTick:             1,
		Storage:                   m.log,
		Applied:                   m.applied,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             messageSizeMax,
		MaxCommittedSizePerReady:  applySizeMax,
		MaxUncommittedEntriesSize: uncommittedSizeMax,
		MaxInflightMsgs:           inFlightLenMax,
		MaxInflightBytes:          inFlightSizeMax,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		Logger:                    quiet{},
	}
}

func (m *Mode) save(record []byte) uint64 {
	m.recordNumber++
	m.out.Save(record)
	return m.recordNumber
}

// finish ends a step: raft's wishes are carried out and new work is given to
// it, until there is neither.
func (m *Mode) finish() {
	for m.drain(); m.work(); m.drain() {
	}
	m.trimLog()
	m.sendPacks()
	m.report()
	if m.leaving.over { // the successor may need this replica's vote, which is among the packs
		m.ended = true
		m.out.Stopped()
	}
}

// drain does all that raft wants done.
func (m *Mode) drain() {
	for m.node.HasReady() {
		m.ready()
	}
}

// work hands to raft what waits for it and reports whether there was any.
func (m *Mode) work() bool {
	proposed := m.propose()
	asked := m.startBarrier()
	return proposed || asked
}

// ready does what raft wants done, in its order.
func (m *Mode) ready() {
	rd := m.node.Ready()
	m.observe(&rd)
	for _, rs := range rd.ReadStates {
		m.onReadState(rs)
	}
	for _, message := range rd.Messages {
		switch message.GetType() {
		case pb.MsgStorageAppend:
			m.storeLog(message)
		case pb.MsgStorageApply:
			m.applyEntries(message)
		case pb.MsgSnap:
			m.offerBoard(message)
		default:
			m.asks(message)
			if m.mutant != mutants.None {
				m.tamperOut(message)
			}
			packMessage(m.packNow, message)
		}
	}
}

// observe takes over raft's view of term and coordinator.
func (m *Mode) observe(rd *raft.Ready) {
	before := m.coordinator()
	term := m.term
	if !raft.IsEmptyHardState(rd.HardState) {
		m.term = rd.HardState.GetTerm()
		m.committed = max(m.committed, rd.HardState.GetCommit())
	}
	if rd.SoftState != nil {
		m.lead, m.role = board.ReplicaID(rd.SoftState.Lead), rd.SoftState.RaftState
	}
	if rd.SoftState != nil || m.term != term {
		m.onOffice(before, term)
	}
}

// storeLog saves what must survive a crash, and sends what may only be said
// after that.
func (m *Mode) storeLog(message *pb.Message) {
	voted := message.Term != nil && (message.GetTerm() != m.log.term || message.GetVote() != m.log.vote)
	if message.Term != nil {
		m.log.term, m.log.vote = message.GetTerm(), message.GetVote()
	}
	if s := message.GetSnapshot(); !raft.IsEmptySnap(s) {
		m.restore(s)
		voted = false // it is part of the snapshot's record
		if m.mutant == mutants.M13 {
			m.claimAll(message.GetResponses())
		}
	}
	if voted {
		m.save(appendVoteRecord(nil, m.log.term, m.log.vote))
	}
	if entries := message.GetEntries(); len(entries) > 0 {
		if first := entries[0].GetIndex(); first <= m.applied {
			panic(fmt.Sprintf("entries from %d on are replaced, with %d applied and %d committed", first, m.applied, m.committed))
		}
		m.log.append(entries)
		m.saveEntries(entries)
		if m.mutant == mutants.M1 && m.leads() { // to be saved here is enough
			m.answerEarly()
		}
	}
	m.respond(message.GetResponses())
}

func (m *Mode) saveEntries(entries []*pb.Entry) {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+len(entries[n].GetData()) <= chunkSizeMax) {
			size += len(entries[n].GetData())
			n++
		}
		number := m.save(appendEntriesRecord(make([]byte, 0, size+8*n+16), entries[:n]))
		m.kept = append(m.kept, keptRecord{number, entries[n-1].GetIndex()})
		entries = entries[n:]
	}
}

// respond sends what a save made true: to others held, to raft itself when the
// disk says so.
func (m *Mode) respond(responses []*pb.Message) {
	var own []*pb.Message
	for _, r := range responses {
		if board.ReplicaID(r.GetTo()) == m.self {
			own = append(own, r)
			continue
		}
		if r.GetType() == pb.MsgVoteResp && !r.GetReject() {
			m.votesFor(board.ReplicaID(r.GetTo()), r.GetTerm())
		}
		if m.tooEarly(r) {
			packMessage(m.packNow, r)
			continue
		}
		packMessage(m.packHeld, r)
	}
	if len(own) > 0 {
		m.whenDurable(durability{messages: own})
	}
}

// whenDurable asks to be told when all that was saved and stored up to now is
// on disk.
func (m *Mode) whenDurable(d durability) {
	m.durableNumber++
	m.durable[m.durableNumber] = d
	m.out.Send(m.self, appendDurable(nil, m.durableNumber))
}

func (m *Mode) onDurable(number uint64) {
	d, ok := m.durable[number]
	if !ok {
		return
	}
	delete(m.durable, number)
	for _, message := range d.messages {
		m.step(message)
	}
	if d.forget > 0 {
		m.out.Forget(d.forget)
	}
	if d.trim > 0 {
		m.trimming = false
		m.log.trim(d.trim)
	}
}

// onRaft hands messages of the engine's peers to it.
func (m *Mode) onRaft(r *board.Reader, e modes.Receive) {
	messages := cutRaftMessages(r, e.From, m.self)
	if !r.End() {
		m.note("a malformed message of the engine from %s", e.From)
		return
	}
	for _, message := range messages {
		if m.ended || !m.acceptable(message, e.Span) {
			return
		}
		if m.keepsBack(message, e.From) {
			continue
		}
		m.step(message)
		m.heard(message, e.From)
	}
}

// acceptable keeps from raft what would make it panic for a reason that a new
// start does not cure, and what only a peer that breaks the rules sends.
func (m *Mode) acceptable(message *pb.Message, span *modes.Span) bool {
	switch message.GetType() {
	case pb.MsgHeartbeat:
		if message.GetTerm() >= m.term && message.GetCommit() > m.log.last() {
			m.halt(fmt.Sprintf("log lost: it ends at %d, and the coordinator has seen this replica save up to %d at least",
				m.log.last(), message.GetCommit()))
			return false
		}
		return true
	case pb.MsgSnap:
		if span == nil || !m.snapshotFits(message.GetSnapshot()) {
			m.note("a snapshot without a board, or not of this epoch")
			return false
		}
		return true
	case pb.MsgApp:
		if index := message.GetIndex(); message.GetTerm() >= m.term && index <= m.applied {
			if term, err := m.log.Term(index); err == nil && term != message.GetLogTerm() {
				m.halt(fmt.Sprintf("log lost: entry %d was applied with term %d, and has term %d in the log of r%d, coordinator of term %d",
					index, term, message.GetLogTerm(), message.GetFrom(), message.GetTerm()))
				return false
			}
		}
		return true
	case pb.MsgAppResp:
		if m.leads() && message.GetTerm() == m.term && !message.GetReject() && message.GetIndex() > m.log.last() {
			m.halt(fmt.Sprintf("log lost: it ends at %d, and r%d has saved what this coordinator of term %d must have, up to %d at least",
				m.log.last(), message.GetFrom(), m.term, message.GetIndex()))
			return false
		}
		return true
	case pb.MsgHeartbeatResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp,
		pb.MsgReadIndex, pb.MsgReadIndexResp, pb.MsgTimeoutNow:
		return true
	}
	m.note("a message of type %s does not come from a peer", message.GetType())
	return false
}

// step hands one message to raft, and more where a mutant says so.
func (m *Mode) step(message *pb.Message) {
	if m.mutant == mutants.None {
		m.toRaft(message)
		return
	}
	m.tamperIn(message)
	m.toRaft(message)
	m.tamperAfter(message)
}

// toRaft hands one message to raft, which refuses only those of strangers.
func (m *Mode) toRaft(message *pb.Message) {
	if err := m.node.Step(message); err != nil {
		m.note("the engine took no %s from r%d: %v", message.GetType(), message.GetFrom(), err)
	}
}

// packMessage puts a message to those that leave together. One that only tells
// a new commit index is told by the one before.
func packMessage(packs []pack, message *pb.Message) {
	for i := range packs {
		if uint64(packs[i].to) != message.GetTo() {
			continue
		}
		p := &packs[i]
		if n := len(p.messages); n > 0 && tellsCommitOnly(p.messages[n-1], message) {
			p.messages[n-1].Commit = message.Commit
			return
		}
		p.messages = append(p.messages, message)
		return
	}
}

func tellsCommitOnly(before, message *pb.Message) bool {
	return message.GetType() == pb.MsgApp && len(message.GetEntries()) == 0 &&
		before.GetType() == pb.MsgApp && before.GetTerm() == message.GetTerm() &&
		before.GetIndex()+uint64(len(before.GetEntries())) == message.GetIndex()
}

func (m *Mode) sendPacks() {
	for i := range m.packNow {
		m.packNow[i].flush(m.out.SendNow)
		m.packHeld[i].flush(m.out.Send)
	}
}

// flush sends what is packed, in as few messages as chunkSizeMax allows.
func (p *pack) flush(send func(to board.ReplicaID, message []byte)) {
	for rest := p.messages; len(rest) > 0; {
		n, size := 0, 8
		for n < len(rest) && (n == 0 || size+packSize(rest[n]) <= chunkSizeMax) {
			size += packSize(rest[n])
			n++
		}
		send(p.to, appendRaftMessages(make([]byte, 0, size), rest[:n]))
		rest = rest[n:]
	}
	clear(p.messages)
	p.messages = p.messages[:0]
}

// packSize is about what a message takes, rather more than less.
func packSize(message *pb.Message) int {
	return 64 + sizeOf(message.GetEntries()) + 8*len(message.GetEntries()) + len(message.GetContext())
}

// quiet is raft's logger: a mode does not log, but what raft cannot go on from
// is a panic with its numbers.
type quiet struct{}

func (quiet) Debug(...any)              {}
func (quiet) Debugf(string, ...any)     {}
func (quiet) Info(...any)               {}
func (quiet) Infof(string, ...any)      {}
func (quiet) Warning(...any)            {}
func (quiet) Warningf(string, ...any)   {}
func (quiet) Error(...any)              {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (quiet) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
