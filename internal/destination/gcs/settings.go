package gcs

import (
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// settings are the destination's own.
type settings struct {
	Credential cloud.GCP `json:"credential"`
	ProjectID  string    `json:"projectId"`
	Bucket     string    `json:"bucket"`
	Prefix     string    `json:"prefix"`
	Endpoint   string    `json:"endpoint"`
	PublicKey  string    `json:"pgpPublicKey"`
}

func fields() []connector.Field {
	return []connector.Field{
		{Name: "credential", Label: "GCP credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderGCP}, Required: true, Help: "Its service account needs the role Storage Object User on the bucket."},
		{Name: "projectId", Label: "Project ID", Type: connector.FieldString, Required: true, Example: "acme-analytics", Help: "The project that the bucket is in."},
		{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-exports", Help: "Only the name, not a URL."},
		file.PrefixField(),
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://storage.example.com", Help: "The address of another store with the same protocol, without a path. Empty means Google's."},
		file.PublicKeyField(),
	}
}

// Names of buckets and of projects.
// https://cloud.google.com/storage/docs/buckets#naming
// https://cloud.google.com/resource-manager/docs/creating-managing-projects#before_you_begin
var (
	bucketName  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)
	projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]*[a-z0-9]$`) // old ones begin with their owner's domain
)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	s.checkCredential(&issues)
	if !projectName.MatchString(s.ProjectID) {
		add("projectId", "%q is not the ID of a project: it has small letters, digits and hyphens, and is not the project's name", s.ProjectID)
	}
	switch {
	case s.Bucket == "":
		add("bucket", "the bucket's name is missing")
	case strings.ContainsAny(s.Bucket, "/:"):
		add("bucket", "%q is an address: enter only the bucket's name, such as %q", file.Redacted(s.Bucket), nameIn(s.Bucket))
	case !bucketName.MatchString(s.Bucket):
		add("bucket", "%q cannot be the name of a bucket: it has at least 3 small letters, digits, dots, hyphens and underscores", s.Bucket)
	}
	file.CheckPrefix(s.Prefix, &issues)
	file.CheckEndpoint("endpoint", s.Endpoint, &issues)
	if err := file.CheckPublicKey(s.PublicKey); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.configuration.pgpPublicKey"))
	}
	return issues
}

func (s settings) checkCredential(issues *fault.Issues) {
	if s.Credential.Auth == cloud.AuthServer {
		return
	}
	if _, err := cloud.ParseServiceAccount(s.Credential.ServiceAccountKey); err != nil {
		*issues = append(*issues, fault.As(err).WithPath("spec.configuration.credential"))
	}
}

// nameIn guesses the bucket's name in an address: gs://bucket/… or https://storage.googleapis.com/bucket/….
func nameIn(address string) string {
	_, rest, found := strings.Cut(file.Redacted(address), "://")
	if !found {
		rest = file.Redacted(address)
	}
	host, path, _ := strings.Cut(rest, "/")
	if strings.HasSuffix(host, ".googleapis.com") || strings.HasSuffix(host, ".google.com") {
		host, _, _ = strings.Cut(path, "/")
	}
	if !bucketName.MatchString(host) {
		return "acme-exports"
	}
	return host
}
