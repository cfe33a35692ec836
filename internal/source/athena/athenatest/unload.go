package athenatest

import (
	"context"
	"fmt"
	"os"
	"regexp"

	"github.com/millrace/millrace/internal/source/trino/trinotest"
)

var unloading = regexp.MustCompile(`(?s)^(?:/\*.*?\*/ )?UNLOAD \((.*)\) TO 's3://([^/']+)/([^']*/)' WITH \(format = 'PARQUET'\)$`)

// unload writes a result into a bucket: https://docs.aws.amazon.com/athena/latest/ug/unload.html
func (s *Server) unload(ctx context.Context, sql, path string) error {
	m := unloading.FindStringSubmatch(sql)
	if m == nil {
		return &trinotest.Error{Name: "SYNTAX_ERROR", Message: "the stand-in does not know this UNLOAD"}
	}
	if s.options.Put == nil {
		return &trinotest.Error{Name: "PERMISSION_DENIED", Message: "Access Denied when writing output to url: s3://" + m[2] + "/" + m[3]}
	}
	text, err := s.rewrite(m[1])
	if err != nil {
		return err
	}
	defer os.Remove(path) //nolint:errcheck // it may not have come to be
	if _, err := s.Engine.Execute(ctx, fmt.Sprintf("%sCOPY (%s) TO '%s' (FORMAT parquet, COMPRESSION gzip)", raw, text, path)); err != nil {
		return err
	}
	return s.options.Put(m[2], m[3]+"20260301_080000_00001_abcde-0", path)
}
