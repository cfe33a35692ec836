package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// client speaks HTTP with a server. It is safe for concurrent use.
type client struct {
	place   place
	address url.URL
	http    *http.Client
	network connector.Network
}

func newClient(p place, n connector.Network) (*client, error) {
	transport := n.Transport()
	scheme := "http"
	if p.secure {
		scheme = "https"
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.host, InsecureSkipVerify: p.anyone} //nolint:gosec // what sslmode=none means
		if p.ca != "" {
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM([]byte(p.ca)) {
				return nil, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
			}
			transport.TLSClientConfig.RootCAs = roots
		}
	}
	return &client{
		place: p, address: url.URL{Scheme: scheme, Host: net.JoinHostPort(p.host, p.port), Path: "/" + strings.TrimPrefix(p.path, "/")}, network: n,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// format is how rows come.
const format = "JSONCompactEachRowWithNamesAndTypes"

// ours are the settings of a query, as far as the user may set any: it may not write, ends when its connection does, and
// writes instants in UTC. Who is read-only by the server's own settings can change none, and needs none: then instants
// are read in the zones of their columns.
// https://clickhouse.com/docs/operations/settings/permissions-for-queries, https://clickhouse.com/docs/operations/settings/formats
var ours = map[string]string{"readonly": "2", "cancel_http_readonly_queries_on_client_close": "1", "date_time_output_format": "iso"}

// exception is what the server says instead of rows.
type exception struct {
	code  int // 0 where the server gave none
	words string
}

// Error is the server's words.
func (e *exception) Error() string { return e.words }

const (
	codeReadOnly       = 164
	codeUnknownSetting = 115
)

// start runs a query, and returns its answer once rows may come. It is sent again without our settings where the user
// may set none.
func (c *client) start(ctx context.Context, id, sql string) (*http.Response, error) {
	response, err := c.send(ctx, id, sql, ours)
	var e *exception
	if errors.As(err, &e) && (e.code == codeReadOnly || e.code == codeUnknownSetting) {
		return c.send(ctx, id, sql, nil)
	}
	return response, err
}

func (c *client) send(ctx context.Context, id, sql string, own map[string]string) (*http.Response, error) {
	values := url.Values{"default_format": {format}}
	maps.Copy(values, c.place.settings)
	for name, v := range own {
		values.Set(name, v)
	}
	if c.place.database != "" {
		values.Set("database", c.place.database)
	}
	if id != "" {
		values.Set("query_id", id)
	}
	u := c.address
	u.RawQuery = values.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	request.Header.Set("X-ClickHouse-User", c.place.user)
	if c.place.password != "" {
		request.Header.Set("X-ClickHouse-Key", c.place.password)
	}
	request.Header.Set("User-Agent", "millrace")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, bare(err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, c.refused(response)
	}
	return response, nil
}

// bare takes the address off an error, which has all settings in it.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// maxWords is how much is read of an exception.
const maxWords = 64 << 10

func (c *client) refused(response *http.Response) error {
	defer response.Body.Close() //nolint:errcheck // the answer is read
	words, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
	if err != nil {
		return bare(err)
	}
	text := strings.TrimSpace(strings.ToValidUTF8(string(words), "?"))
	if text == "" {
		text = "the server answers " + response.Status
	}
	e := c.exception(text)
	if code, err := strconv.Atoi(response.Header.Get("X-ClickHouse-Exception-Code")); err == nil {
		e.code = code
	}
	if e.code == 0 {
		return &statusError{response.StatusCode, e.words}
	}
	return e
}

// statusError is an answer of something that is no ClickHouse, or of a gateway before one.
type statusError struct {
	status int
	words  string
}

// Error is the answer's words.
func (e *statusError) Error() string { return e.words }

var codePattern = regexp.MustCompile(`Code: (\d+)[.,]`)

// exception reads the server's words, without the password that a text may repeat.
func (c *client) exception(text string) *exception {
	if c.place.password != "" {
		text = strings.ReplaceAll(text, c.place.password, "***")
	}
	e := &exception{words: text}
	if m := codePattern.FindStringSubmatch(text); m != nil {
		e.code, _ = strconv.Atoi(m[1]) //nolint:errcheck // digits; too many are no code
	}
	return e
}

// kill ends a query. Its user may end its own queries.
// https://clickhouse.com/docs/sql-reference/statements/kill
func (c *client) kill(ctx context.Context, id string) {
	response, err := c.send(ctx, "", "KILL QUERY WHERE query_id = "+query.ClickHouse.Text(id)+" ASYNC", nil)
	if err != nil {
		return // the connection has been closed as well
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxWords) //nolint:errcheck // the answer is of no use
	_ = response.Body.Close()                            //nolint:errcheck // as above
}
