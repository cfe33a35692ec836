package filetest

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/value"
)

// Invalid are jobs that every file destination refuses.
func Invalid() []destinationtest.Invalid {
	name := func(title, filename string) destinationtest.Invalid {
		return destinationtest.Invalid{
			Name:  title,
			Edit:  func(j *connector.SyncJob) { j.Settings["filename"] = filename },
			Paths: []string{"spec.settings.filename"},
		}
	}
	return []destinationtest.Invalid{
		name("no name", ""),
		name("unknown variable", "a-{yyyy}.csv"),
		name("open brace", "a-{YYYY.csv"),
		name("closing brace", "a-YYYY}.csv"),
		name("parent folder", "../a.csv"),
		name("parent folder inside", "a/../../b.csv"),
		name("absolute", "/etc/a.csv"),
		name("a folder", "a/"),
		name("operation outside diff", "a-{operation}.csv"),
		name("batch of one file", "a-{batch}.csv"),
		{
			Name: "everything at once",
			Edit: func(j *connector.SyncJob) {
				j.Mode = connector.ModeUpsert
				j.Columns = nil
				j.Settings = connector.Settings{
					"format": "xlsx", "filename": "{nope}", "indicatorFile": "../done", "rowsPerFile": 1.5, "csvDelimiter": "space", "gzip": "yes", "extra": 1,
				}
			},
			Paths: []string{"spec.mode", "spec.mappings", "spec.settings.format", "spec.settings.gzip", "spec.settings.extra"},
		},
		{
			Name: "every name",
			Edit: func(j *connector.SyncJob) {
				j.Settings["filename"], j.Settings["indicatorFile"], j.Settings["rowsPerFile"], j.Settings["filenameOffset"] = "{nope}", "../done", 1.5, 0.5
			},
			Paths: []string{"spec.settings.filename", "spec.settings.indicatorFile", "spec.settings.rowsPerFile", "spec.settings.filenameOffset"},
		},
		{
			Name:  "indicator over data",
			Edit:  func(j *connector.SyncJob) { j.Settings["indicatorFile"] = "rows.out" },
			Paths: []string{"spec.settings.indicatorFile"},
		},
		{
			Name:  "two columns of one name",
			Edit:  func(j *connector.SyncJob) { j.Columns[1].Name = "id" },
			Paths: []string{"spec.mappings"},
		},
	}
}

// Refused are rows that Parquet cannot hold.
func Refused() []destinationtest.Refused {
	column := func(t value.Type) connector.TargetColumn {
		return connector.TargetColumn{Name: "value", From: "value", Type: t}
	}
	return []destinationtest.Refused{
		{Name: "text in a number column", Column: column(value.TypeNumber), Value: value.OfText("twelve"), Says: `column "value": a string does not fit`},
		{Name: "number that loses digits", Column: column(value.TypeNumber), Value: value.OfInt(1<<53 + 1), Says: "does not fit exactly"},
		{Name: "text in a boolean column", Column: column(value.TypeBoolean), Value: value.OfText("yes"), Says: "boolean"},
		{Name: "text in a timestamp column", Column: column(value.TypeTimestamp), Value: value.OfText("now"), Says: "timestamp"},
		{Name: "timestamp in a date column", Column: column(value.TypeDate), Value: value.OfMicros(1), Says: "date"},
		{Name: "invalid UTF-8", Column: column(value.TypeString), Value: value.OfText("a\xffb"), Says: "UTF-8"},
	}
}
