package athena

import (
	"testing"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/source/athena/athenatest"
)

// unloaded are values of every type that Athena writes.
var unloaded = []string{
	"true", "smallest smallint", "largest integer", "bigint", "real", "double", "not a number", "decimal", "decimal with zeros", "text", "unicode", "bytes", "date", "first date",
	"timestamp", "first timestamp", "timestamp with a zone", "tinyint",
}

// What Athena writes into a bucket is what it sends. Where it may not write, it sends.
//
// Req: S-80
func TestUnload(t *testing.T) {
	t.Parallel()
	var server *athenatest.Server
	f := sourcetest.Fixture{
		Info: Info(), SQL: replaced, Values: own, Rows: numbers, Endless: endless, NoDigits: true, NoObjects: true,
		Running: func(_ *testing.T, tag string) bool { return server.Running(tag) },
	}
	sourcetest.Results(t, f, blob.ProviderS3, unloaded, func(t *testing.T, b *sourcetest.Bucket) (may, mayNot connector.Source) {
		_, denied := stand(t, athenatest.Options{})
		s, settings := stand(t, athenatest.Options{Put: b.Put})
		server = s
		return openAt(t, settings), openAt(t, denied)
	})
}
