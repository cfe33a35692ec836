package sqlservertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Reply is what a test answers a statement with.
type Reply struct {
	SQL    string // a query of DuckDB's to run instead
	Rows   int    // how many rows were written, where there is no SQL
	Refuse *Error
}

// packetRPC calls a procedure.
const packetRPC = 3

// executeSQL is the number of sp_executesql.
const executeSQL = 10

// call answers sp_executesql: a statement with parameters.
func (x *client) call(ctx context.Context, data []byte, r *reply) error {
	statement, args, err := parameters(data)
	if err != nil {
		return err
	}
	x.server.ran(statement, 1)
	defer x.server.ran(statement, -1)
	if x.server.o.Answer != nil {
		if answer, known := x.server.o.Answer(statement, args); known {
			return x.reply(ctx, answer, r)
		}
	}
	return fmt.Errorf("the stand-in has no answer to %s", statement)
}

func (x *client) reply(ctx context.Context, answer Reply, r *reply) error {
	switch {
	case answer.Refuse != nil:
		return answer.Refuse
	case answer.SQL != "":
		return x.query(ctx, answer.SQL, r)
	default:
		r.add(doneToken(doneCount, uint64(answer.Rows)))
		return nil
	}
}

// parameters reads a call of sp_executesql: its statement, and its parameters as "@name type = text".
func parameters(data []byte) (statement string, args []string, err error) {
	if len(data) < 4 || len(data) < int(binary.LittleEndian.Uint32(data)) {
		return "", nil, errors.New("a call without headers")
	}
	in := bytes.NewReader(data[binary.LittleEndian.Uint32(data):])
	head := make([]byte, 6)
	if _, err := io.ReadFull(in, head); err != nil || binary.LittleEndian.Uint16(head) != 0xffff || binary.LittleEndian.Uint16(head[2:]) != executeSQL {
		return "", nil, errors.Join(err, errors.New("the stand-in knows no procedure but sp_executesql"))
	}
	for place := 0; in.Len() > 0; place++ {
		name, text, err := parameter(in)
		switch {
		case err != nil:
			return "", nil, err
		case place == 0:
			statement = text
		case place > 1: // the second one declares the others
			args = append(args, name+" = "+text)
		}
	}
	return statement, args, nil
}

func parameter(in *bytes.Reader) (name, text string, err error) {
	size, err := in.ReadByte()
	if err != nil {
		return "", "", err
	}
	head := make([]byte, 2*int(size)+2) // a name, its status, and the type
	if _, err := io.ReadFull(in, head); err != nil {
		return "", "", err
	}
	text, err = argument(in, head[len(head)-1])
	return decode(head[:2*int(size)]), text, err
}

func argument(in *bytes.Reader, kind byte) (string, error) {
	switch kind {
	case 0x26: // an integer
		if _, err := in.ReadByte(); err != nil {
			return "", err
		}
		c, err := content(in)
		if err != nil || len(c) != 8 {
			return "", errors.Join(err, errors.New("an integer of another size than eight"))
		}
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(c)), 10), nil
	case 0xe7: // a text
		return longArgument(in)
	default:
		return "", fmt.Errorf("the stand-in takes no parameters of the type %#x", kind)
	}
}

func longArgument(in *bytes.Reader) (string, error) {
	info := make([]byte, 7)
	if _, err := io.ReadFull(in, info); err != nil {
		return "", err
	}
	if binary.LittleEndian.Uint16(info) != math.MaxUint16 {
		var size [2]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return "", err
		}
		c := make([]byte, binary.LittleEndian.Uint16(size[:]))
		_, err := io.ReadFull(in, c)
		return decode(c), err
	}
	var whole []byte
	var size [8]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return "", err
	}
	for {
		if _, err := io.ReadFull(in, size[:4]); err != nil {
			return "", err
		}
		n := binary.LittleEndian.Uint32(size[:])
		if n == 0 {
			return decode(whole), nil
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(in, piece); err != nil {
			return "", err
		}
		whole = append(whole, piece...)
	}
}
