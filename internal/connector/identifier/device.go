package identifier

import (
	"bytes"
	"net/netip"

	"github.com/google/uuid"
)

func maid(text []byte, _ options) ([]byte, *problem) {
	id, err := uuid.ParseBytes(trimmed(text))
	if err != nil {
		return nil, because("is not a mobile advertising id", "It is a UUID, such as aece52e7-03ee-455a-b3c4-e57283966239.")
	}
	if id == uuid.Nil {
		return nil, nil
	}
	out, _ := id.MarshalText() //nolint:errcheck // never fails
	return out, nil
}

func ip(text []byte, _ options) ([]byte, *problem) {
	text = trimmed(text)
	if a, err := netip.ParseAddr(string(text)); err != nil || a.Zone() != "" {
		return nil, because("is not an IP address", "Map a column with one IPv4 or IPv6 address.")
	}
	return text, nil
}

func handle(text []byte, _ options) ([]byte, *problem) {
	return bytes.TrimPrefix(trimmed(text), []byte{'@'}), nil
}
