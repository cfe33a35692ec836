package objects

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// checkName refuses an address where the name of a bucket or container is asked for (S-31).
func checkName(field, name string) error {
	if !strings.ContainsAny(name, "/:?") {
		return nil
	}
	return fault.New(fault.CodeInvalid, "the name of the %s is asked for, not an address", field).WithPath("spec.configuration." + field).
		WithSuggestion("Write the name alone, such as acme-exports.")
}

func codeOfStatus(status int) fault.Code {
	switch status {
	case http.StatusUnauthorized:
		return fault.CodeSourceAuth
	case http.StatusForbidden:
		return fault.CodeSourceDenied
	default:
		return fault.CodeSourceUnreachable
	}
}

// body is a file that is being read from a store. One that ends before its length is an error.
type body struct {
	io.ReadCloser

	want, got int64
	path      string
	network   connector.Network
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	if errors.Is(err, io.EOF) && b.want > 0 && b.got < b.want {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault.Wrap(err, fault.CodeSourceUnreachable, "reading %s", b.path).
			WithSuggestion("The connection ended within the file: the next run reads it again.%s", b.network.Firewall())
	}
	return n, err
}

// unreachable says what to do where a store answers with a status that is about no file and no permission; without a
// status it did not answer. check names what may be wrong.
func unreachable(e *fault.Error, status int, network connector.Network, check string) error {
	switch {
	case status == 0:
		return e.WithSuggestion("%s The place could not be reached.%s", check, network.Firewall())
	case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests:
		return e.WithSuggestion("The store is busy: the next run tries again.")
	default:
		return fault.Reclass(e.WithSuggestion("%s", check), fault.Fatal)
	}
}
