package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// KeptEvents returns the events that are still kept, by rising Seq. If the first
// one is not number 1, earlier ones are forgotten.
func (c *Client) KeptEvents(ctx context.Context) ([]Event, error) {
	r, err := c.do(ctx, "GET", pathEvents(0)+"&kept", nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var events []Event
	for d := json.NewDecoder(r); ; {
		var e Event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, c.lost(ctx, err)
		}
		events = append(events, e)
	}
}
