package sfmc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// What an import does with the rows that are there.
const (
	updateAdd       = "AddAndUpdate"
	updateOverwrite = "Overwrite"
)

// imported is what became of a file.
type imported struct {
	Errors int
	Total  int
}

// upload sends the rows of a batch as a file. Rows that the import refused are sent once more by requests, whose answers
// say what is wrong with each: an import only counts them. So are rows without a value for a field that is then to be
// left alone: a file has a cell for each field.
func (s *session) upload(ctx context.Context, r *manifest.Run, key string) error {
	rows, partial := parted(r)
	if err := again(ctx, r, key, partial); err != nil || len(rows) == 0 {
		return err
	}
	var l *location
	select {
	case l = <-s.lanes:
	case <-ctx.Done():
		return fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "waiting for another file"), fault.Retryable)
	}
	defer func() { s.lanes <- l }()
	name := fileName(r.Job(), r.Batch().ID)
	if err := publish(ctx, r, l, name, rows); err != nil {
		return err
	}
	defer l.remove(context.WithoutCancel(ctx), name)
	result, err := load(ctx, r, name, key, updateAdd)
	if err != nil || result.Errors == 0 {
		return err
	}
	return again(ctx, r, key, rows)
}

// parted tells rows that a file can have from those that leave a field alone.
func parted(r *manifest.Run) (whole, partial []manifest.Row) {
	columns := columnsOf(r.Job())
	for _, row := range r.Rows() {
		if slices.ContainsFunc(columns, func(c connector.TargetColumn) bool { return c.Omit && row.Value(c.Name).IsNull() }) {
			partial = append(partial, row)
		} else {
			whole = append(whole, row)
		}
	}
	return whole, partial
}

// fileName is the name of a file, and of the import that reads it: another one for each batch of a run.
func fileName(job connector.SyncJob, part string) string {
	sum := sha256.Sum256([]byte(part))
	return fmt.Sprintf("millrace-%d-%d-%s.csv", job.SyncID, job.RunID, hex.EncodeToString(sum[:6]))
}

// publish writes the rows of a batch into a file at the location.
func publish(ctx context.Context, r *manifest.Run, l *location, name string, rows []manifest.Row) error {
	columns := columnsOf(r.Job())
	f, err := l.begin(ctx, name, columns)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // what was not published is lost, as it must be
	if err := fill(ctx, r, f, columns, rows); err != nil {
		return err
	}
	return f.Finish(ctx)
}

// load lets Marketing Cloud read a file into a data extension, and waits until it has.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/creating_an_import_definition.html
func load(ctx context.Context, r *manifest.Run, name, key, update string) (imported, error) {
	if err := define(ctx, r, name, key, update); err != nil {
		return imported{}, err
	}
	defer forget(context.WithoutCancel(ctx), r, name)
	answer, err := call(ctx, r, "Perform", element("PerformRequestMsg", leaf("Action", "start"),
		element("Definitions", object("Definition", "ImportDefinition", leaf("CustomerKey", name)))))
	if err != nil {
		return imported{}, harmless(err) // a file that is read twice is the same file
	}
	results := answer.at("Results").all("Result")
	if err := done(results); err != nil {
		return imported{}, unread(err)
	}
	return await(ctx, r, results[0].text("Task", "ID"))
}

// define makes the definition of an import. One that a run left that ended in the middle is replaced.
func define(ctx context.Context, r *manifest.Run, name, key, update string) error {
	s := r.Job().Settings
	var notice *node
	if to := s.Text("notify"); to != "" {
		notice = element("Notification", leaf("ResponseType", "email"), leaf("ResponseAddress", to))
	}
	definition := func() *node {
		return element("CreateRequest", object("Objects", "ImportDefinition",
			leaf("CustomerKey", name), leaf("Name", name), flag("AllowErrors", true),
			object("DestinationObject", "DataExtension", leaf("CustomerKey", key)), leaf("FieldMappingType", "InferFromColumnHeadings"),
			leaf("FileSpec", name), leaf("FileType", "CSV"), notice,
			element("RetrieveFileTransferLocation", leaf("CustomerKey", transfer(r.Settings()))),
			leaf("UpdateType", update), flag("StandardQuotedStrings", true), leaf("EncodingCodePage", "65001")))
	}
	answer, err := call(ctx, r, "Create", definition())
	if err == nil && done(answer.all("Results")) != nil {
		forget(ctx, r, name)
		answer, err = call(ctx, r, "Create", definition())
	}
	if err != nil {
		return harmless(err)
	}
	if err := done(answer.all("Results")); err != nil {
		return unread(err)
	}
	return nil
}

// unread is the error of an import that cannot begin: it is about no row.
func unread(err error) error {
	return fault.Reclass(fault.Wrap(err, fault.CodeDestinationSchema, "importing the file").
		WithSuggestion("Check the external key of the file location, that Marketing Cloud may read it, and the package's permissions for automations and file locations. An FTP user's home folder must be /, and the user must belong to the same business unit or to its parent."), fault.Fatal)
}

// forget deletes the definition of an import. One that stays does no harm.
func forget(ctx context.Context, r *manifest.Run, name string) {
	_, _ = call(ctx, r, "Delete", element("DeleteRequest", object("Objects", "ImportDefinition", leaf("CustomerKey", name)))) //nolint:errcheck // see above
}

// How an import is waited for.
const (
	firstWait = 2 * time.Second
	mostWait  = 30 * time.Second
	patience  = 6 * time.Hour
)

// await waits until an import is over.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/importresultssummary.html
func await(ctx context.Context, r *manifest.Run, task string) (result imported, err error) {
	if task == "" {
		return result, fault.New(fault.CodeDestinationAnswer, "Marketing Cloud does not say which import it started")
	}
	err = poll(ctx, r, "the import "+task, func() (bool, error) {
		found, err := retrieve(ctx, r, "ImportResultsSummary",
			[]string{"ImportStatus", "NumberErrors", "TotalRows"}, equals("TaskResultID", task))
		if err != nil || len(found) == 0 {
			return false, err // it is not told of at once
		}
		switch found[0].text("ImportStatus") {
		case "Completed":
			result.Errors, _ = strconv.Atoi(found[0].text("NumberErrors")) //nolint:errcheck // nothing is 0
			result.Total, _ = strconv.Atoi(found[0].text("TotalRows"))     //nolint:errcheck // the same
			return true, nil
		case "Error":
			return false, unread(fault.New(fault.CodeDestinationRejected, "Marketing Cloud could not import the file"))
		default:
			return false, nil
		}
	})
	return result, err
}

// poll waits until what works on its own is over.
func poll(ctx context.Context, r *manifest.Run, what string, over func() (bool, error)) error {
	wait := firstWait
	for waited := time.Duration(0); waited < patience; waited += wait {
		done, err := over()
		class := fault.ClassOf(err)
		switch {
		case err == nil && done:
			return nil
		case class == fault.Fatal && err != nil:
			return err
		case err != nil && class != fault.Retryable && class != fault.Throttled:
			return fault.Reclass(err, fault.Unknown)
		}
		if err := r.Wait(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, mostWait)
	}
	return fault.Reclass(fault.New(fault.CodeDestinationTimeout, "%s was not done within %s", what, patience), fault.Unknown)
}

// objectsAtATime is how many rows one request of the SOAP API has.
const objectsAtATime = 200

// again sends rows with requests that answer for each, in their order.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/dataextensionobject.html
func again(ctx context.Context, r *manifest.Run, key string, rows []manifest.Row) error {
	columns := columnsOf(r.Job())[len(r.Job().Match):]
	for chunk := range slices.Chunk(rows, objectsAtATime) {
		request := element("UpdateRequest", element("Options",
			element("SaveOptions", element("SaveOption", leaf("PropertyName", "*"), leaf("SaveAction", "UpdateAdd")))))
		for _, row := range chunk {
			properties, keys := element("Properties"), element("Keys")
			for _, c := range columns {
				if !c.Omit || !row.Value(c.Name).IsNull() {
					properties.Nodes = append(properties.Nodes, property("Property", c.Name, row))
				}
			}
			for _, m := range r.Job().Match {
				keys.Nodes = append(keys.Nodes, property("Key", m.To, row))
			}
			request.Nodes = append(request.Nodes, object("Objects", "DataExtensionObject", leaf("CustomerKey", key), properties, keys))
		}
		answer, err := call(ctx, r, "Update", request)
		if err != nil {
			return harmless(err) // rows that are written twice are the same rows
		}
		results := answer.all("Results")
		if len(results) != len(chunk) {
			return fault.New(fault.CodeDestinationAnswer, "the answer is about %d rows of %d", len(results), len(chunk))
		}
		for i, result := range results {
			if result.text("StatusCode") != "OK" {
				r.Reject(chunk[i], refusal(result).Error(), false)
			}
		}
	}
	return nil
}

// property is a name and a value of a row; nothing empties the field.
func property(kind, name string, row manifest.Row) *node {
	text := ""
	if v := row.Value(name); !v.IsNull() {
		text = v.String()
	}
	return element(kind, leaf("Name", name), &node{XMLName: xml.Name{Local: "Value"}, Value: text})
}
