// Package demo shows the product on a machine that has nothing: it fills a running server with sample data, a
// model, two destinations and two syncs, runs them, changes the data, runs them again, and compares
// what arrived with what the model says.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/internal/cli"
)

// Options say where the demo works.
type Options struct {
	Client *cli.Client
	Dir    string // a folder that the server may read; the demo's source goes below it
	Files  string // the folder that the server may write files to
	Out    io.Writer
}

// Names of what the demo makes.
const (
	modelSlug  = "demo-vip-customers"
	apiSync    = "demo-vips-to-api"
	folderSync = "demo-vips-to-files"
)

// demo is one run of the demo.
type demo struct {
	Options

	shop     *shop
	receiver *receiver
	drop     string
}

// Run fills the server and shows what happened. It returns an error when what arrived is not what the model
// says.
func Run(ctx context.Context, o Options) error {
	d := &demo{Options: o, drop: filepath.Join(o.Files, "crm")}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer d.receiver.close()
	if err := d.configure(ctx); err != nil {
		return err
	}
	d.say("\nFirst run: everything is new.")
	if err := d.round(ctx); err != nil {
		return err
	}
	added, changed, removed := d.shop.change()
	if err := d.shop.save(); err != nil {
		return err
	}
	d.say("\nThe shop's day goes on: %d customers became VIPs, %d changed, %d are gone.", added, changed, removed)
	d.say("Second run: only the difference is sent.")
	return d.round(ctx)
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

// prepare takes customers from the sample dataset into a folder that the demo can change: sample
// datasets are read-only.
func (d *demo) prepare(ctx context.Context) (err error) {
	for _, dir := range []string{filepath.Join(d.Dir, "shop"), d.drop} {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a demo's folder, to be looked at
			return fmt.Errorf("making the demo's folder: %w", err)
		}
	}
	if d.receiver, err = listen(); err != nil {
		return err
	}
	if err := d.apply(ctx, sampleSource()); err != nil {
		return err
	}
	customers, err := d.sample(ctx)
	if err != nil {
		return err
	}
	d.shop = &shop{path: filepath.Join(d.Dir, "shop", "customers.ndjson"), customers: customers}
	d.say("Sample source: %d customers of the B2C eCommerce dataset, copied to %s so that they can change.", len(customers), d.shop.path)
	return d.shop.save()
}

// sampleRows is how many customers the demo copies.
const sampleRows = 5000

// sample reads customers from the sample source.
func (d *demo) sample(ctx context.Context) ([]customer, error) {
	var answer struct {
		Columns []struct{ Name string }
		Rows    [][]any
	}
	query := fmt.Sprintf("SELECT customer_id, first_name, last_name, email, city, ltv, VIP AS vip FROM public.customers ORDER BY customer_id LIMIT %d", sampleRows)
	err := d.Client.Do(ctx, "POST", "/api/models/preview", map[string]any{"source": "demo-sample", "method": "sql", "sql": query, "limit": 0}, &answer)
	if err != nil {
		return nil, fmt.Errorf("reading the sample dataset: %w", err)
	}
	customers := make([]customer, len(answer.Rows))
	for i, row := range answer.Rows {
		customers[i] = customer{
			ID: text(row[0]), FirstName: text(row[1]), LastName: text(row[2]), Email: text(row[3]), City: text(row[4]), LTV: text(row[5]), VIP: text(row[6]),
		}
	}
	return customers, nil
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (d *demo) configure(ctx context.Context) error {
	d.say("Destinations: an HTTP receiver on %s and a folder of files in %s.", d.receiver.url, d.drop)
	return d.apply(ctx, d.documents()...)
}

func (d *demo) apply(ctx context.Context, documents ...map[string]any) error {
	raw := make([]json.RawMessage, len(documents))
	for i, doc := range documents {
		b, err := json.Marshal(doc)
		if err != nil {
			return fmt.Errorf("encoding a document: %w", err)
		}
		raw[i] = b
	}
	_, err := d.Client.Apply(ctx, raw, false)
	return err
}

// round runs both syncs, prints what was sent, and compares.
func (d *demo) round(ctx context.Context) error {
	for _, slug := range []string{apiSync, folderSync} {
		r, err := d.Client.Trigger(ctx, slug, map[string]bool{})
		if err != nil {
			return fmt.Errorf("starting %s: %w", slug, err)
		}
		if r, err = d.Client.Wait(ctx, r.ID, nil); err != nil {
			return fmt.Errorf("waiting for %s: %w", slug, err)
		}
		if r.Error != nil {
			return fmt.Errorf("%s: %w", slug, r.Error)
		}
		d.say("  %-22s %-12s %d read; sent %s; %d unchanged (%.1f s)", slug, r.Label, r.RowsRead, r.Succeeded, r.Rows.Unchanged, float64(r.DurationMs)/1000)
	}
	return d.compare()
}

// compare holds what arrived against what the model says.
func (d *demo) compare() error {
	want := d.shop.vips()
	if err := same("the HTTP receiver", d.receiver.records(), want); err != nil {
		return err
	}
	files, err := readDrop(d.drop)
	if err != nil {
		return err
	}
	if err := same("the folder of files", files, want); err != nil {
		return err
	}
	d.say("  Both destinations hold exactly the %d VIP customers that the model has.", len(want))
	return nil
}

func same(place string, got, want map[string]record) error {
	var missing, extra, different []string
	for id, w := range want {
		switch g, ok := got[id]; {
		case !ok:
			missing = append(missing, id)
		case g != w:
			different = append(different, id)
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			extra = append(extra, id)
		}
	}
	if len(missing)+len(extra)+len(different) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("%s does not hold what the model says: %d rows are missing, %d too many, %d differ", place, len(missing), len(extra), len(different))
}
