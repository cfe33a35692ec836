package bigquery

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
)

// written are values of every type that an extraction writes.
var written = []string{
	"largest bigint", "double", "not a number", "small decimal", "long decimal", "true", "text", "unicode", "bytes", "date", "timestamp", "timestamp with a zone", "last timestamp", "time of day",
}

// What BigQuery writes into a bucket is what it sends. Where it may not write, it sends.
//
// Req: S-51, S-80
func TestResults(t *testing.T) {
	t.Parallel()
	var server *bigquerytest.Server
	f := sourcetest.Fixture{
		Info: Info(), SQL: replaced, Values: values,
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT g AS id, CONCAT('row ', CAST(g AS STRING)) AS name FROM UNNEST(GENERATE_ARRAY(1, %d)) AS g", n)
		},
		Endless: "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 10000000000000)) AS a",
		Running: func(_ *testing.T, tag string) bool { return server.Running(Label(tag)) },
	}
	sourcetest.Results(t, f, blob.ProviderGCS, written, func(t *testing.T, b *sourcetest.Bucket) (may, mayNot connector.Source) {
		o := options()
		denied := bigquerytest.New(t, o)
		o.Put = b.Put
		server = bigquerytest.New(t, o)
		info := streaming(quick(Info()))
		open := func(s *bigquerytest.Server) connector.Source {
			source, err := info.Open(connector.SourceOptions{Settings: settingsOf(s).WithDefaults(Info().Fields)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
			return source
		}
		return open(server), open(denied)
	})
}
