package mongodb

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Codes of the server that are judged one by one. https://www.mongodb.com/docs/manual/reference/error-codes/
const (
	codeUnauthorized = 13
	codeAuthFailed   = 18
	codeNoNamespace  = 26
	codeOnView       = 166
	codeDuplicate    = 11000
	codeAtlas        = 8000 // Atlas answers so to a wrong password
	codeThrottled    = 16500
)

// notNow are the codes of a server that is going away or no primary: nothing was written.
var notNow = []int{6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436}

// codeOf returns the code of a server's answer; 0 for any other error.
func codeOf(err error) int {
	if answer, ok := errors.AsType[mongo.CommandError](err); ok {
		return int(answer.Code)
	}
	return 0
}

// judge reads the answers to a bulk write. Rows that the server refused are rejected; an error is about all of it.
func (s *session) judge(ctx context.Context, err error, orders []order) ([]connector.Rejection, error) {
	bulk, ok := errors.AsType[mongo.BulkWriteException](err)
	switch {
	case err == nil:
		return nil, nil
	case !ok:
		return nil, s.d.translate(ctx, err, "writing to "+s.collection.Name())
	case bulk.WriteConcernError != nil: // written, but not as safely as the server is told to
		e := fault.New(fault.CodeDestinationUnknown, "writing to %s: %s", s.collection.Name(), bulk.WriteConcernError.Message)
		return nil, fault.Reclass(e, fault.Unknown)
	}
	var refused []connector.Rejection
	busy := 0
	for _, w := range bulk.WriteErrors {
		if w.Code == codeUnauthorized {
			return nil, s.d.denied(w.Message)
		}
		if w.Code == codeThrottled {
			busy++
		}
		if w.Index >= 0 && w.Index < len(orders) {
			again := slices.Contains(notNow, w.Code) || w.Code == codeThrottled || s.raced(w.WriteError)
			refused = append(refused, connector.Rejection{Row: orders[w.Index].row, Reason: w.Message, Retry: again})
		}
	}
	if busy == len(orders) {
		return nil, fault.New(fault.CodeDestinationThrottled, "writing to %s: %s", s.collection.Name(), bulk.WriteErrors[0].Message).WithSuggestion("Lower the sync's batches at a time, or give the server more to work with.")
	}
	return refused, nil
}

// raced reports whether another writer added the document between this write's search and its insertion: the next
// attempt finds it. https://www.mongodb.com/docs/manual/reference/method/db.collection.update/#upsert-with-duplicate-values
func (s *session) raced(w mongo.WriteError) bool {
	if w.Code != codeDuplicate {
		return false
	}
	pattern, ok := w.Raw.Lookup("keyPattern").DocumentOK()
	if !ok {
		return false
	}
	var fields bson.D
	return bson.Unmarshal(pattern, &fields) == nil && len(fields) == 1 && fields[0].Key == s.composer.field
}

func (d *destination) denied(words string) *fault.Error {
	e := fault.New(fault.CodeDestinationDenied, "writing to %s: %s", d.settings.address(), words)
	return fault.Reclass(e, fault.Fatal).WithSuggestion("%s", privileges)
}

// privileges is what the user needs. https://www.mongodb.com/docs/manual/reference/privilege-actions/
const privileges = "Give the user the role readWrite on the database, or the actions insert, update, remove, listIndexes and listCollections."

// translate says a driver's or server's error in our vocabulary.
func (d *destination) translate(ctx context.Context, err error, doing string) *fault.Error {
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	as := func(code fault.Code) *fault.Error { return fault.Wrap(errors.New(words(err)), code, "%s", doing) }
	code := codeOf(err)
	switch {
	case code == codeAuthFailed, code == codeAtlas, strings.Contains(err.Error(), "auth error"):
		return fault.Reclass(as(fault.CodeDestinationAuth), fault.Fatal).WithSuggestion("Check user and password, and the authentication database: it is the one that the user was created in. Atlas has database users apart from those who sign in.")
	case code == codeUnauthorized:
		return fault.Reclass(as(fault.CodeDestinationDenied), fault.Fatal).WithSuggestion("%s", privileges)
	case code == codeOnView:
		return fault.Reclass(as(fault.CodeDestinationSchema), fault.Fatal).WithSuggestion("A view takes no documents: choose its collection.")
	case code == codeThrottled:
		return as(fault.CodeDestinationThrottled)
	case slices.Contains(notNow, code):
		return as(fault.CodeDestinationUnreachable).WithSuggestion("The server is going away or is no primary; the batch is sent again.")
	case code != 0:
		return as(fault.CodeDestinationRejected)
	}
	return d.ofNetwork(ctx, err, as)
}

// words is the server's or the driver's text, without the driver's account of the whole topology.
func words(err error) string {
	if answer, ok := errors.AsType[mongo.CommandError](err); ok && answer.Message != "" {
		return answer.Message
	}
	return err.Error()
}

// ofNetwork judges an error that is not the server's answer.
func (d *destination) ofNetwork(ctx context.Context, err error, as func(fault.Code) *fault.Error) *fault.Error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	selection := strings.Contains(err.Error(), "server selection error")
	switch {
	case ctx.Err() != nil:
		return fault.Reclass(as(fault.CodeRunCancelled), fault.Unknown)
	case errors.As(err, &certificate) || strings.Contains(err.Error(), "x509:"):
		return fault.Reclass(as(fault.CodeDestinationUnreachable), fault.Fatal).WithSuggestion("Check the CA certificate and the host's name against what the server shows.")
	case errors.As(err, &record) || strings.Contains(err.Error(), "does not look like a TLS handshake"):
		return fault.Reclass(as(fault.CodeDestinationUnreachable), fault.Fatal).WithSuggestion("The server does not encrypt: choose no encryption, but only where nobody can listen.")
	case selection:
		return as(fault.CodeDestinationUnreachable).WithSuggestion("Check that a MongoDB server (4.2 or later) listens at %s and has a primary, that its encryption is as configured here, and that the firewall, or the access list of Atlas, lets this machine in.%s", d.settings.hosts(), d.network.Firewall())
	case mongo.IsTimeout(err):
		return as(fault.CodeDestinationTimeout)
	case mongo.IsNetworkError(err):
		return as(fault.CodeDestinationUnknown)
	default: // the driver did not send it: too large a document
		return as(fault.CodeDestinationRejected)
	}
}
