package sqlservertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Error is what a server refuses with.
type Error struct {
	Number  int32
	State   uint8
	Class   uint8 // the severity
	Message string
	Line    int32
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Where the fields of a login are, each as an offset and a length in characters.
const (
	loginUser     = 40
	loginPassword = 44
	loginProgram  = 48
	loginExtended = 56
	loginDatabase = 68
	loginHead     = 94

	featureFedAuth = 2
	featureEnd     = 0xff
)

func loginText(data []byte, at int) []byte {
	from, n := int(binary.LittleEndian.Uint16(data[at:])), 2*int(binary.LittleEndian.Uint16(data[at+2:]))
	if from+n > len(data) {
		return nil
	}
	return data[from : from+n]
}

// login lets a client in or refuses it.
func (x *client) login() error {
	m, err := x.read()
	if err != nil || m.kind != packetLogin || len(m.data) < loginHead {
		return errors.Join(err, errors.New("this is no login"))
	}
	user, database := decode(loginText(m.data, loginUser)), decode(loginText(m.data, loginDatabase))
	s := x.server
	s.mu.Lock()
	s.programs = append(s.programs, decode(loginText(m.data, loginProgram)))
	s.mu.Unlock()
	password := slices.Clone(loginText(m.data, loginPassword))
	for i, b := range password {
		b ^= 0xa5
		password[i] = b<<4 | b>>4
	}
	r := &reply{x: x}
	if e := s.judge(user, decode(password), database, fedToken(m.data)); e != nil {
		r.add(errorToken(e))
		r.add(doneToken(doneFailed, 0))
		return errors.Join(r.end(), e)
	}
	r.add(envToken(1, database, "master"))
	r.add(envToken(4, strconv.Itoa(packetSize), strconv.Itoa(packetSize)))
	r.add(ackToken())
	r.add(doneToken(0, 0))
	return r.end()
}

func (s *Server) judge(user, password, database, token string) *Error {
	switch {
	case s.o.Refuse != nil:
		return s.o.Refuse
	case s.o.Token != "" && token != s.o.Token:
		return &Error{18456, 1, 14, "Login failed for user '<token-identified principal>'.", 1}
	case s.o.Token == "" && (user != s.o.User || password != s.o.Password):
		return &Error{18456, 1, 14, "Login failed for user '" + user + "'.", 1}
	case database != s.o.Database:
		return &Error{4060, 1, 11, `Cannot open database "` + database + `" requested by the login. The login failed.`, 1}
	default:
		return nil
	}
}

// fedToken is the token of a service principal, if the login has one.
func fedToken(data []byte) string {
	at := int(binary.LittleEndian.Uint16(data[loginExtended:]))
	if data[27]&0x10 == 0 || at+4 > len(data) {
		return ""
	}
	for at = int(binary.LittleEndian.Uint32(data[at:])); at+5 <= len(data) && data[at] != featureEnd; {
		size := int(binary.LittleEndian.Uint32(data[at+1:]))
		if content := data[at+5:]; data[at] == featureFedAuth && len(content) >= size && size > 5 {
			return decode(content[5 : 5+int(binary.LittleEndian.Uint32(content[1:]))])
		}
		at += 5 + size
	}
	return ""
}

// decode reads UTF-16.
func decode(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// encode writes UTF-16.
func encode(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// loop runs one request after another. Attentions, and a client that goes away, end the running one.
func (x *client) loop(ctx context.Context) {
	requests := make(chan message)
	attention := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		for {
			m, err := x.read()
			if err != nil {
				return
			}
			if m.kind == packetAttention {
				attention <- struct{}{}
				continue
			}
			select {
			case requests <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-attention: // the request was over already
			r := &reply{x: x}
			r.add(doneToken(doneAttention, 0))
			if r.end() != nil {
				return
			}
		case m := <-requests:
			if x.request(ctx, m, attention) != nil {
				return
			}
		}
	}
}

// request answers one message. An attention is answered in its reply.
func (x *client) request(ctx context.Context, m message, attention <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, stopped := make(chan struct{}), make(chan bool, 1)
	go func() {
		select {
		case <-attention:
			cancel()
			stopped <- true
		case <-done:
			stopped <- false
		}
	}()
	r := &reply{x: x}
	err := x.answer(ctx, m, r)
	close(done)
	if <-stopped {
		r.add(doneToken(doneAttention, 0))
		return r.end()
	}
	if err != nil {
		r.add(errorToken(errorOf(err)))
		r.add(doneToken(doneFailed, 0))
	}
	return r.end()
}

func (x *client) answer(ctx context.Context, m message, r *reply) error {
	switch m.kind {
	case packetBatch:
		if len(m.data) < 4 || len(m.data) < int(binary.LittleEndian.Uint32(m.data)) {
			return errors.New("a batch without headers")
		}
		return x.batch(ctx, decode(m.data[binary.LittleEndian.Uint32(m.data):]), r)
	case packetRPC:
		return x.call(ctx, m.data, r)
	case packetBulk:
		return x.load(ctx, m.data, r)
	default:
		return fmt.Errorf("the stand-in does not know messages of the kind %d", m.kind)
	}
}

func (x *client) batch(ctx context.Context, sql string, r *reply) error {
	x.server.ran(sql, 1)
	defer x.server.ran(sql, -1)
	if x.server.o.Answer != nil {
		if answer, known := x.server.o.Answer(sql, nil); known {
			return x.reply(ctx, answer, r)
		}
	}
	switch upper := strings.ToUpper(sql); {
	case upper == "SET FMTONLY ON":
		x.empty = true
		r.add(doneToken(0, 0))
		return nil
	case upper == "SET FMTONLY OFF", strings.HasSuffix(upper, " TRANSACTION"): // the engine has no sessions
		x.empty = false
		r.add(doneToken(0, 0))
		return nil
	case strings.HasPrefix(upper, "INSERT BULK "):
		if err := x.announce(sql); err != nil {
			return err
		}
		r.add(doneToken(0, 0))
		return nil
	case x.empty:
		x.empty = false
		table, _, _ := strings.Cut(sql[len("select * from "):], " SET FMTONLY OFF")
		return x.query(ctx, "SELECT TOP (0) * FROM "+table, r)
	case strings.Contains(sql, "sys.dm_exec_describe_first_result_set"):
		return x.comments(ctx, sql, r)
	case yields(sql):
		return x.query(ctx, sql, r)
	default:
		n, err := x.server.engine.Execute(ctx, sql)
		if err == nil {
			r.add(doneToken(doneCount, uint64(n)))
		}
		return err
	}
}
