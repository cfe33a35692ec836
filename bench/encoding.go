package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// encodeRate is the goal of mapping and encoding, in rows a second of one processor.
const encodeRate = 400_000

// tenColumns is the SQL of rows of 10 columns of every common type.
const tenColumns = `SELECT 'u' || lpad(i::VARCHAR, 9, '0') AS id, 'person' || i || '@example.com' AS email, 'First' || (i %% 1000) AS first_name,
	'Last' || (i %% 5003) AS last_name, (i %% 500)::INTEGER AS score, i / 7.0::DOUBLE AS ratio, ((i %% 100000) / 100)::DECIMAL(12, 2) AS ltv,
	i %% 3 = 0 AS active, DATE '2000-01-01' + (i %% 9000)::INTEGER AS birthday, TIMESTAMP '2026-01-01' + INTERVAL (i %% 31536000) SECOND AS updated_at
	FROM range(%d) AS t(i)`

// encoding maps rows of 10 columns and writes them as JSON into memory, on one goroutine. Beside it encoding/json
// writes structs that are ready, without a mapping.
func encoding(ctx context.Context, b *bench) error {
	path := filepath.Join(b.dir, "ten.parquet")
	n := b.size(2_000_000)
	d, err := openDuck(ctx, filepath.Join(b.dir, "spill"))
	if err != nil {
		return err
	}
	if err := errors.Join(d.copyTo(ctx, fmt.Sprintf(tenColumns, n), path), d.close()); err != nil {
		return err
	}
	all, err := loadRows(ctx, path, "id", nil)
	if err != nil {
		return err
	}
	defer all.release()
	ready, err := contactsOf(all)
	if err != nil {
		return err
	}
	s, err := pair{rounds: b.rounds, peer: func() error { return encodeStructs(ready) }, ours: all.encode}.run()
	if err != nil {
		return err
	}
	r := s.line(n, "encode", "10 columns of one goroutine, beside encoding/json")
	perCore := float64(n) / medianOf(s.ours, cpu)
	r.ours = count(perCore) + "/s of a core"
	r.wall, r.cpu = fmt.Sprintf("%.2f×", s.speed(wall)), fmt.Sprintf("%.2f×", s.speed(cpu))
	r.goal, r.ok = fmt.Sprintf("≥ %s rows/s of a core", count(encodeRate)), judge(perCore >= encodeRate)
	b.add(r)
	return nil
}

// sinkBytes is when the sink in memory starts from the beginning.
const sinkBytes = 1 << 20

// encode writes every row as a JSON object.
func (r *rows) encode() error {
	var names [][]byte
	for _, c := range r.mapping.Columns() {
		names = append(names, append(value.AppendJSONString([]byte{','}, c.Name), ':'))
	}
	sink := make([]byte, 0, sinkBytes)
	var values []value.Value
	for _, batch := range r.batches {
		binding, err := r.bind(batch)
		if err != nil {
			return err
		}
		for i := range int(batch.NumRows()) {
			if len(sink) > sinkBytes-sinkBytes/16 {
				sink = sink[:0]
			}
			binding.Row(i, connector.Added)
			if values, err = binding.Values(values[:0]); err != nil {
				return err
			}
			start := len(sink)
			for c, v := range values {
				sink = v.AppendJSON(append(sink, names[c]...))
			}
			sink[start] = '{'
			sink = append(sink, '}')
		}
	}
	return nil
}

// contact is a row as a program without a mapping has it.
type contact struct {
	ID        string      `json:"id"`
	Email     string      `json:"email"`
	FirstName string      `json:"first_name"`
	LastName  string      `json:"last_name"`
	Score     int64       `json:"score"`
	Ratio     float64     `json:"ratio"`
	LTV       json.Number `json:"ltv"`
	Active    bool        `json:"active"`
	Birthday  string      `json:"birthday"`
	UpdatedAt time.Time   `json:"updated_at"`
}

func contactsOf(r *rows) ([]contact, error) {
	all := make([]contact, 0, r.total)
	for _, batch := range r.batches {
		binding, err := r.bind(batch)
		if err != nil {
			return nil, err
		}
		for i := range int(batch.NumRows()) {
			binding.Row(i, connector.Added)
			v, err := binding.Values(nil)
			if err != nil {
				return nil, err
			}
			all = append(all, contact{
				v[0].Raw(), v[1].Raw(), v[2].Raw(), v[3].Raw(), v[4].Int(), v[5].Float(), json.Number(v[6].String()), v[7].Bool(), v[8].String(), v[9].Time(),
			})
		}
	}
	return all, nil
}

func encodeStructs(all []contact) error {
	sink := 0
	for i := range all {
		text, err := json.Marshal(&all[i])
		if err != nil {
			return fmt.Errorf("encoding: %w", err)
		}
		sink += len(text)
	}
	if sink == 0 {
		return errors.New("nothing was encoded")
	}
	return nil
}
