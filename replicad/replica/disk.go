package replica

import (
	"errors"

	"consequor/board"
	"consequor/replicad/host"
	"consequor/replicad/store"
)

// disk is the host's view of one replica's share of the store. It keeps the
// records that the mode has not forgotten, for a plugin that is started again:
// modes bound their logs, and so this.
type disk struct {
	*store.Replica
	store *store.Store
	tap   *tap
	past  host.Past
	kept  int // bytes of its records
}

var _ host.Disk = (*disk)(nil)

// newDisk takes over what earlier processes left.
func newDisk(s *store.Store, r *store.Replica, t *tap) (*disk, error) {
	past := r.Past()
	if past.Broken != nil {
		return nil, past.Broken
	}
	d := &disk{Replica: r, store: s, tap: t, past: host.Past{State: past.State, First: past.First, Records: past.Records}}
	d.kept = sizeOf(d.past.Records)
	return d, nil
}

func sizeOf(records [][]byte) int {
	size := 0
	for _, record := range records {
		size += len(record)
	}
	return size
}

func (d *disk) Past() (host.Past, error) {
	if len(d.past.Records) > 0 && d.past.First == 0 {
		return host.Past{}, errors.New("records without a number")
	}
	return d.past, nil
}

func (d *disk) Save(record []byte) host.Position {
	d.past.Records = append(d.past.Records, record)
	d.kept += len(record)
	pos := host.Position(d.Replica.Save(record))
	d.tap.on().savedRecord(d.ID(), record, pos)
	return pos
}

func (d *disk) Forget(upTo uint64) host.Position {
	if n := len(d.past.Records); n > 0 && upTo >= d.past.First {
		cut := min(uint64(n), upTo-d.past.First+1)
		d.kept -= sizeOf(d.past.Records[:cut])
		d.past.Records = append([][]byte(nil), d.past.Records[cut:]...) // let go of the old array
		d.past.First += cut
	}
	return host.Position(d.Replica.Forget(upTo))
}

func (d *disk) SetState(state []byte) host.Position {
	d.past.State = state
	return host.Position(d.Replica.SetState(state))
}

func (d *disk) Reset(state []byte) host.Position {
	d.past, d.kept = host.Past{State: state, First: 1}, 0
	return host.Position(d.Replica.Reset(state))
}

func (d *disk) Journal(articles []board.Article) host.Position {
	pos := host.Position(d.Replica.Journal(articles))
	d.tap.on().savedArticles(d.ID(), articles, pos)
	return pos
}

func (d *disk) Put(articles []board.Article) error {
	err := d.Replica.Put(articles)
	if err == nil {
		d.tap.on().stored(d.ID(), articles)
	}
	return err
}

func (d *disk) Full() bool { return d.store.DiskFull() }

func (d *disk) Sync(pos host.Position) { d.Replica.Sync(store.Position(pos)) }
