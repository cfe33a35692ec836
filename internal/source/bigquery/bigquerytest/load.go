package bigquerytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	rest "google.golang.org/api/bigquery/v2"
)

// upload is a load job whose rows are being sent.
type upload struct {
	job  *rest.Job
	file string
}

// beginUpload takes a job with its rows, or the promise of them:
// https://cloud.google.com/bigquery/docs/reference/api-uploads
func (s *Server) beginUpload(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("uploadType") == "multipart" {
		return s.multipartUpload(w, r)
	}
	var asked rest.Job
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	u, err := s.newUpload(&asked)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.uploads[asked.JobReference.JobId] = u
	s.mu.Unlock()
	w.Header().Set("Location", s.URL+"/upload/bigquery/v2/projects/"+r.PathValue("project")+"/jobs/"+asked.JobReference.JobId)
	return nil
}

func (s *Server) newUpload(asked *rest.Job) (*upload, error) {
	if asked.Configuration == nil || asked.Configuration.Load == nil || asked.Configuration.Load.SourceFormat != "NEWLINE_DELIMITED_JSON" {
		return nil, failure(http.StatusBadRequest, "invalid", "the stand-in loads lines of JSON only")
	}
	f, err := os.CreateTemp(s.dir, "upload")
	if err != nil {
		return nil, err
	}
	return &upload{asked, f.Name()}, f.Close()
}

func (u *upload) add(r io.Reader) error {
	f, err := os.OpenFile(u.file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // copying tells
	_, err = io.Copy(f, r)
	return err
}

func (s *Server) multipartUpload(w http.ResponseWriter, r *http.Request) error {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	head, err := parts.NextPart()
	if err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	var asked rest.Job
	if err := json.NewDecoder(head).Decode(&asked); err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	u, err := s.newUpload(&asked)
	if err != nil {
		return err
	}
	rows, err := parts.NextPart()
	if err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	if err := u.add(rows); err != nil {
		return err
	}
	return s.startLoad(w, u)
}

// continueUpload takes a part of the rows. The last part says how many bytes there are.
func (s *Server) continueUpload(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	u := s.uploads[r.PathValue("upload")]
	s.mu.Unlock()
	if u == nil {
		return failure(http.StatusNotFound, "notFound", "Not found: upload")
	}
	if err := u.add(r.Body); err != nil {
		return err
	}
	if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
		info, err := os.Stat(u.file)
		if err != nil {
			return err
		}
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", info.Size()-1))
		w.Header().Set("X-Http-Status-Code-Override", "308")
		return nil
	}
	return s.startLoad(w, u)
}

func (s *Server) startLoad(w http.ResponseWriter, u *upload) error {
	j, err := s.start(u.job.JobReference, u.job.Configuration, func(ctx context.Context, _ *job) error { return s.load(ctx, u) })
	if err != nil {
		return err
	}
	return answer(w, j.describe())
}

// load writes the rows into a table.
func (s *Server) load(ctx context.Context, u *upload) error {
	c := u.job.Configuration.Load
	dataset, table := c.DestinationTable.DatasetId, c.DestinationTable.TableId
	if strings.ContainsAny(table, "\"'\\.,;:!?()[]{}") {
		return failure(http.StatusBadRequest, "invalid", "Invalid table ID %q.", table)
	}
	if there, err := s.hasDataset(ctx, dataset); err != nil || !there {
		return failure(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s", Project, dataset)
	}
	if err := s.denied("bigquery.tables.create", "Dataset", Project+":"+dataset); err != nil {
		return err
	}
	var kept, read, made []string
	for _, f := range c.Schema.Fields {
		if strings.ContainsAny(f.Name, "!\"$()*,./;?@[\\]^`{}~") {
			return failure(http.StatusBadRequest, "invalid", "Invalid field name %q.", f.Name)
		}
		kept = append(kept, fmt.Sprintf("%s: '%s'", quote(f.Name), inFile(f)))
		read = append(read, fromFile(f))
		made = append(made, quote(f.Name)+" "+columnType(f))
	}
	rows := fmt.Sprintf("SELECT %s FROM read_json('%s', format = 'newline_delimited', columns = {%s})", strings.Join(read, ", "), filepath.ToSlash(u.file), strings.Join(kept, ", "))
	target := quote(dataset) + "." + quote(table)
	if c.WriteDisposition == "WRITE_TRUNCATE" {
		if err := s.execute(ctx, "CREATE OR REPLACE TABLE "+target+" ("+strings.Join(made, ", ")+")"); err != nil {
			return err
		}
	}
	if err := s.execute(ctx, "INSERT INTO "+target+" "+rows); err != nil {
		return failure(http.StatusBadRequest, "invalid", "Error while reading data, error message: %v", err)
	}
	return nil
}

func columnType(f *rest.TableFieldSchema) string {
	if f.Precision > 0 {
		return fmt.Sprintf("DECIMAL(%d, %d)", f.Precision, f.Scale)
	}
	if f.Type == "JSON" {
		return "JSON"
	}
	if newer, ok := words[f.Type]; ok {
		return newer
	}
	return f.Type
}

// inFile is how a column is read from lines of JSON, fromFile what is made of it.
func inFile(f *rest.TableFieldSchema) string {
	switch f.Type {
	case "JSON":
		return "JSON"
	default:
		return "VARCHAR"
	}
}

func fromFile(f *rest.TableFieldSchema) string {
	if f.Type == "BYTES" {
		return "from_base64(" + quote(f.Name) + ")"
	}
	return "CAST(" + quote(f.Name) + " AS " + columnType(f) + ")"
}
