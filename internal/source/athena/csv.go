package athena

import (
	"bufio"
	"errors"
	"io"
)

// cell is a value of a row; it is null where there is nothing, not even quotes.
type cell struct {
	text string
	null bool
}

// csvReader reads what Athena writes: every value in quotes, which are doubled within, and nothing for null. The
// standard library's reader does not tell null from an empty text.
type csvReader struct {
	in   *bufio.Reader
	cell []byte
}

func newCSV(r io.Reader) *csvReader { return &csvReader{in: bufio.NewReaderSize(r, 1<<16)} }

var errCSV = errors.New("the file with the rows cannot be read")

// row reads a row of so many values. Its error is io.EOF at the end of the file, and io.ErrUnexpectedEOF where it ends
// within a row.
func (c *csvReader) row(width int) (cells []cell, size int, err error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, 0, err
	}
	cells = make([]cell, 0, width)
	for {
		value, end, err := c.value()
		if errors.Is(err, io.EOF) {
			return nil, 0, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, 0, err
		}
		cells = append(cells, value)
		size += len(value.text) + 1
		if end != ',' {
			break
		}
	}
	if len(cells) != width {
		return nil, 0, errCSV
	}
	return cells, size, nil
}

// value reads a value and what ends it: a comma or a line's end.
func (c *csvReader) value() (cell, byte, error) {
	first, err := c.in.ReadByte()
	switch {
	case err != nil:
		return cell{}, 0, err
	case first == ',' || first == '\n':
		return cell{null: true}, first, nil
	case first != '"':
		return cell{}, 0, errCSV
	}
	c.cell = c.cell[:0]
	for {
		part, err := c.in.ReadSlice('"')
		if errors.Is(err, bufio.ErrBufferFull) {
			c.cell = append(c.cell, part...)
			continue
		}
		if err != nil {
			return cell{}, 0, err
		}
		c.cell = append(c.cell, part[:len(part)-1]...)
		next, err := c.in.ReadByte()
		switch {
		case err != nil:
			return cell{}, 0, err
		case next == '"':
			c.cell = append(c.cell, '"')
		case next == ',' || next == '\n':
			return cell{text: string(c.cell)}, next, nil
		default:
			return cell{}, 0, errCSV
		}
	}
}
