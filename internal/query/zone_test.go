package query_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/query"
)

// Local times in many time zones are those that Go computes, where a database knows the zones and where their changes are
// spelled out: with changes twice a year in both hemispheres, four times a year, of half an hour, once and never.
//
// Req: SY-48
func TestZones(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "Asia/Pyongyang", "Pacific/Apia", "UTC"}
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	var moments []time.Time
	for range 60 {
		moments = append(moments, time.Date(2000, 1, 1, 0, 0, int(random.Int32N(40*365*86400/2)*2), 0, time.UTC))
	}
	maria := openMariaDB(t)
	duck, pg, spelled := database(t, openDuckDB(t), query.DuckDB), database(t, openPostgres(t), query.Postgres), database(t, openPostgres(t), query.Variants(query.Postgres)["time zones spelled out"])
	const disputed = "Africa/Casablanca" // Morocco's rules change from year to year, and with them the data of databases
	for _, name := range zones {
		z, err := query.ZoneOf(name)
		if err != nil {
			t.Fatal(err)
		}
		all := append(slices.Clone(moments), time.Date(2024, 3, 31, 0, 59, 59, 0, time.UTC), time.Date(2024, 3, 31, 1, 0, 0, 0, time.UTC), time.Date(2024, 10, 27, 0, 59, 59, 0, time.UTC), time.Date(2024, 10, 27, 1, 0, 0, 0, time.UTC), time.Date(2031, 12, 31, 23, 59, 59, 0, time.UTC))
		var parts []query.Expr
		for i, at := range all {
			local := query.InZone(query.Time(at), z)
			wall := at.In(z.Location())
			shown := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
			parts = append(parts, query.Case().When(local.Eq(query.LocalTime(shown)), query.Int(1)).Else(query.Int(0)).As(fmt.Sprintf("there%d", i)))
			if once(shown, z.Location()) {
				parts = append(parts, query.Case().When(query.FromZone(query.LocalTime(shown), z).Eq(query.Time(at)), query.Int(1)).Else(query.Int(0)).As(fmt.Sprintf("back%d", i)))
			}
		}
		for _, d := range []struct {
			name string
			run  func(sql string) ([][]string, error)
			d    query.Dialect
		}{
			{"MariaDB", func(sql string) ([][]string, error) { return maria.Query(t.Context(), sql) }, maria.Dialect},
			{"DuckDB", func(sql string) ([][]string, error) { return duck.Query(t.Context(), sql) }, duck.Dialect},
			{"PostgreSQL", func(sql string) ([][]string, error) { return pg.Query(t.Context(), sql) }, pg.Dialect},
			{"spelled out", func(sql string) ([][]string, error) { return spelled.Query(t.Context(), sql) }, spelled.Dialect},
		} {
			if name == disputed && (d.name == "DuckDB" || d.name == "PostgreSQL") {
				continue
			}
			rows, err := d.run(d.d.SQL(query.Values(parts...)))
			if err != nil {
				t.Fatalf("%s, %s: %v", d.name, name, err)
			}
			for i, cell := range rows[0] {
				if cell != "1" {
					t.Errorf("%s, %s: wrong: %.600s", d.name, name, d.d.SQL(query.Values(parts[i])))
				}
			}
		}
	}
}

// once reports whether the clocks of a place show a time once.
func once(shown time.Time, at *time.Location) bool {
	offsets := map[int]bool{}
	for _, hours := range []int{-25, -2, -1, 0, 1, 2, 25} {
		_, seconds := shown.Add(time.Duration(hours) * time.Hour).In(at).Zone()
		instant := shown.Add(-time.Duration(seconds) * time.Second).In(at)
		if _, same := instant.Zone(); same == seconds {
			offsets[seconds] = true
		}
	}
	return len(offsets) == 1
}

// Who names no time zone learns how they are named.
func TestZoneOf(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Mars/Olympus", "Local", "+01:00"} {
		if _, err := query.ZoneOf(name); err == nil {
			t.Errorf("there is a time zone %q", name)
		}
	}
}
