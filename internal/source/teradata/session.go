package teradata

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
)

var errTimeout = errors.New("the request timeout of the source is over")

// session is a session at the database. It lives within one call or one reader.
type session struct {
	owner   *Source
	st      *stream.Statement
	forward *forward
	timer   *time.Timer // nil for no timeout
	conn    odbc.Conn
	closed  chan struct{}
}

// stopGrace is how long a database may take to stop a statement before its connection is cut.
const stopGrace = 10 * time.Second

// begin connects and says what the session is for.
func (s *Source) begin(ctx context.Context, q connector.Query) (*session, error) {
	st, err := s.statements.Begin(ctx)
	if err != nil {
		return nil, err
	}
	x := &session{owner: s, st: st, forward: newForward(ctx, s.network), closed: make(chan struct{})}
	if d := s.settings.timeout(); d > 0 {
		x.timer = time.AfterFunc(d, func() { st.Stop(errTimeout) })
	}
	unwatch := context.AfterFunc(st.Context(), x.forward.cut) // nothing else interrupts the driver while it connects
	if err := x.connect(); err != nil {
		defer x.close()
		return nil, x.explain(err, stream.Text{})
	}
	unwatch()
	context.AfterFunc(st.Context(), x.cutLate)
	if err := x.conn.Exec(st.Context(), band(q)); err != nil {
		defer x.close()
		return nil, x.explain(err, stream.Text{})
	}
	return x, nil
}

func (x *session) connect() error {
	s := x.owner.settings
	plain, err := x.forward.listen(s.Host, s.Port)
	if err != nil {
		return err
	}
	secure, err := x.forward.listen(s.Host, s.HTTPSPort)
	if err != nil {
		return err
	}
	x.conn, err = x.owner.connect(x.st.Context(), x.owner.connection(ports{plain, secure}))
	return err
}

// cutLate cuts the connection of a session that does not end though nobody wants it any more.
func (x *session) cutLate() {
	select {
	case <-x.closed:
	case <-time.After(stopGrace):
		x.forward.cut()
	}
}

// close ends the session, whose rows are closed.
func (x *session) close() {
	if x.timer != nil {
		x.timer.Stop()
	}
	x.st.Stop(stream.ErrReleased)
	if x.conn != nil {
		_ = x.conn.Close() //nolint:errcheck // its connection is cut next
	}
	close(x.closed)
	x.forward.close()
}

// The longest value of a query band, in characters.
const bandLength = 256

// band says in the database's own terms what a session is for: workload management classifies by it, and the query log
// shows it.
// https://docs.teradata.com/r/Teradata-VantageCloud-Lake/SQL-Reference/SQL-Data-Definition-Language/Session-Statements/SET-QUERY_BAND/SET-QUERY_BAND-Syntax-Elements
func band(q connector.Query) string {
	class := q.Class
	if class == "" {
		class = connector.WorkloadInteractive
	}
	pairs := "ApplicationName=Millrace;Workload=" + string(class) + ";"
	if tag := bandValue(q.Tag); tag != "" {
		pairs += "Tag=" + tag + ";"
	}
	return "SET QUERY_BAND = " + query.Teradata.Text(pairs) + " FOR SESSION"
}

func bandValue(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == ';' || r == '=' {
			return ' '
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > bandLength {
		text = string(runes[:bandLength])
	}
	return text
}

// all reads a small result whole.
func (x *session) all(sql string, each func(odbc.Rows) error) error {
	r, err := x.conn.Query(x.st.Context(), sql)
	if err != nil {
		return err
	}
	for err == nil {
		if err = r.Next(); err == nil {
			err = each(r)
		}
	}
	if closed := r.Close(); errors.Is(err, io.EOF) {
		return closed
	}
	return err
}
