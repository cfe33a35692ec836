package state

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/fault"
)

// Ticket says who went to a vendor to allow the access to which document. Its text makes the way through the
// browser and the vendor, and comes back with the person.
type Ticket struct {
	WorkspaceID int64  `json:"w"`
	Kind        string `json:"k"`
	DocumentID  int64  `json:"d"`
	Slug        string `json:"s"`
	Holder      string `json:"h"` // names the session that began
}

// issued is what a ticket's text holds.
type issued struct {
	Ticket

	Number  string `json:"n"`
	Expires int64  `json:"e"` // milliseconds since 1970
}

// ticketTime is how long a person may be away.
const ticketTime = 15 * time.Minute

const ticketPurpose = "tickets of authorizations"

// errTicket says no more than it must: whoever forges tickets learns nothing from it.
var errTicket = fault.New(fault.CodeForbidden, "this authorization was not begun here, or it is over").
	WithSuggestion("Open the destination and allow the access again; it must be finished in the same browser within %d minutes.", int(ticketTime.Minutes()))

// Issue returns a ticket's text. It is good once and for 15 minutes.
func (s *Store) Issue(ctx context.Context, t Ticket) (string, error) {
	now := s.clock.Now()
	i := issued{Ticket: t, Number: uuid.NewString(), Expires: now.Add(ticketTime).UnixMilli()}
	plain, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("encoding a ticket: %w", err)
	}
	sealed, err := s.key.Seal(ticketPurpose, string(plain))
	if err != nil {
		return "", err
	}
	_, err = s.db.NewDelete().Table("connector_state").Where("workspace_id = ?", t.WorkspaceID).Where("key LIKE ?", ticketRow+"%").
		Where("updated_at < ?", now.Add(-ticketTime).UnixMilli()).Exec(ctx)
	if err != nil {
		return "", failed(err, "removing old tickets")
	}
	if _, err := s.holder(t).swap(ctx, ticketRow+i.Number, "", t.Holder); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString([]byte(sealed)), nil
}

// Redeem returns the ticket with the text, if the holder is the one who began. A second time it is refused.
func (s *Store) Redeem(ctx context.Context, text, holder string) (Ticket, error) {
	i, err := s.open(text)
	if err != nil || s.clock.Now().UnixMilli() >= i.Expires || subtle.ConstantTimeCompare([]byte(i.Holder), []byte(holder)) != 1 {
		return Ticket{}, errTicket
	}
	unused, err := s.holder(i.Ticket).remove(ctx, ticketRow+i.Number, i.Holder)
	if err != nil {
		return Ticket{}, err
	}
	if !unused {
		return Ticket{}, errTicket
	}
	return i.Ticket, nil
}

func (s *Store) open(text string) (i issued, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return i, err
	}
	plain, err := s.key.Open(ticketPurpose, string(sealed))
	if err != nil {
		return i, err
	}
	return i, json.Unmarshal([]byte(plain), &i)
}

func (s *Store) holder(t Ticket) of { return of{s, t.WorkspaceID, t.Kind, t.DocumentID} }
