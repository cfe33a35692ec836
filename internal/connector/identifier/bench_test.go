package identifier_test

import (
	"strconv"
	"testing"

	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/value"
)

// BenchmarkApply measures one value of each sort; BenchmarkMillionEmails a million rows.
func BenchmarkApply(b *testing.B) {
	for _, c := range []struct{ kind, in string }{
		{"meta.em", " John_Smith@gmail.com"},
		{"google.email", "Cloudy.SanFrancisco+shopping@gmail.com"},
		{"meta.em", janeSHA256},
		{"meta.fn", "Mary"},
		{"meta.fn", "Valéry"},
		{"meta.country", "United States"},
		{"meta.ph", "(650)555-1212"},
	} {
		b.Run(c.kind+"/"+c.in, func(b *testing.B) {
			id, v := mustNew(b, identifier.Spec{Kind: c.kind, Country: "US"}), value.OfText(c.in)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := id.Apply(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMillionEmails(b *testing.B) {
	const rows = 1_000_000
	emails := make([]value.Value, rows)
	for i := range emails {
		emails[i] = value.OfText("Person." + strconv.Itoa(i) + "@Example.com")
	}
	id := mustNew(b, identifier.Spec{Kind: "google.email"})
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range emails {
			if _, err := id.Apply(v); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "emails/s")
}
