package databricks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/millrace/millrace/internal/fault"
)

// tries is how often a part of a result is asked for: its address ends after minutes, and a reader that is slow may
// find the connection closed.
const tries = 3

// chunk asks for a part of a result: its data, or where to read it.
func (x *session) chunk(statement string, index int) (chunk, error) {
	// The answer has the members of a result, in one of its two forms.
	var c chunk
	err := x.client.do(x.ctx, call{method: http.MethodGet, path: statementPath(statement) + "/result/chunks/" + strconv.Itoa(index)}, &c)
	return c, err
}

// part reads one part of a result, batch by batch, from its beginning or from where it broke off.
type part struct {
	session   *session
	statement string
	index     int
	first     []link // that came with the statement's end

	tried int
	read  int64 // rows that were given out
	skip  int64 // rows that are read again
	body  io.ReadCloser
	in    *ipc.Reader
}

// next returns the next batch, which is valid until the next call; nil at the end.
func (p *part) next() (arrow.RecordBatch, error) {
	for {
		b, err := p.step()
		if err == nil {
			if b != nil {
				p.read += b.NumRows()
			}
			return b, nil
		}
		p.close()
		if p.tried >= tries || p.session.ctx.Err() != nil || !again(err) {
			return nil, err
		}
	}
}

// again reports whether a part may be there when it is asked for once more.
func again(err error) bool {
	var known *fault.Error
	return !errors.As(err, &known) || known.Class == fault.Retryable
}

// step opens the part where it is not open, and reads a batch with rows that were not given out.
func (p *part) step() (arrow.RecordBatch, error) {
	if p.in == nil {
		p.tried++
		if err := p.open(); err != nil {
			return nil, err
		}
	}
	for p.in.Next() {
		b := p.in.RecordBatch()
		if b.NumRows() > p.skip {
			b = b.NewSlice(p.skip, b.NumRows())
			p.skip = 0
			return b, nil
		}
		p.skip -= b.NumRows()
	}
	if err := p.in.Err(); err != nil {
		return nil, fmt.Errorf("reading part %d of the result: %w", p.index, err)
	}
	return nil, nil //nolint:nilnil // the end
}

func (p *part) open() error {
	l, err := p.link()
	if err != nil {
		return err
	}
	body, err := p.session.client.download(p.session.ctx, l)
	if err != nil {
		return fmt.Errorf("reading part %d of the result: %w", p.index, err)
	}
	in, err := ipc.NewReader(body)
	if err != nil {
		return errors.Join(fmt.Errorf("reading part %d of the result: %w", p.index, err), body.Close())
	}
	p.body, p.in, p.skip = body, in, p.read
	return nil
}

// link is where the part can be read now.
func (p *part) link() (link, error) {
	links := p.first
	p.first = nil // it is of one use: later it may have ended
	for range 2 {
		for _, l := range links {
			if l.Index == p.index {
				return l, nil
			}
		}
		c, err := p.session.chunk(p.statement, p.index)
		if err != nil {
			return link{}, err
		}
		links = c.Links
	}
	return link{}, fault.New(fault.CodeSourceUnreachable, "the workspace does not say where part %d of the result is", p.index)
}

func (p *part) close() {
	if p.in != nil {
		p.in.Release()
		_ = p.body.Close() //nolint:errcheck // read only
	}
	p.in, p.body = nil, nil
}

// download opens a file in the workspace's storage, which knows the address and must not learn who asks:
// https://docs.databricks.com/aws/en/dev-tools/sql-execution-tutorial
func (c *client) download(ctx context.Context, l link) (io.ReadCloser, error) {
	at, err := url.Parse(l.URL)
	if err != nil || at.Scheme != "https" {
		return nil, fault.New(fault.CodeSourceUnreachable, "the workspace names an address of a result that is not https")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL, http.NoBody)
	if err != nil {
		return nil, unnamed(err)
	}
	for name, value := range l.Headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.storageFault(at, unnamed(err))
	}
	if response.StatusCode != http.StatusOK {
		words, _ := io.ReadAll(io.LimitReader(response.Body, 512)) //nolint:errcheck // as many as there are
		_ = response.Body.Close()                                  //nolint:errcheck // read only
		return nil, c.storageFault(at, fmt.Errorf("%s %s", response.Status, strings.ReplaceAll(string(words), at.RawQuery, "…")))
	}
	return response.Body, nil
}

func (c *client) storageFault(at *url.URL, err error) error {
	return fault.Wrap(err, fault.CodeSourceUnreachable, "reading the result from %s", at.Hostname()).
		WithSuggestion("Results lie in the storage of the workspace: let this server reach %s at port 443, and let the storage admit it.%s", at.Hostname(), c.network.Firewall())
}

// unnamed takes the address from an error: whoever has it can read the result.
func unnamed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// errShort is a result of which a part is missing.
func errShort(got, want int64) error {
	return fault.Reclass(fault.New(fault.CodeSourceUnreachable, "the result has %d rows, and %d arrived", want, got).
		WithSuggestion("Run the query again. The workspace keeps a result for an hour."), fault.Retryable)
}
