package s3

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
	Bucket          string    `json:"bucket"`
	Region          string    `json:"region"`
	Prefix          string    `json:"prefix"`
	Authentication  string    `json:"authentication"`
	Credential      cloud.AWS `json:"credential"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	RoleARN         string    `json:"roleArn"`
	ExternalID      string    `json:"externalId"`
	Endpoint        string    `json:"endpoint"`
	STSEndpoint     string    `json:"stsEndpoint"`
	PathStyle       bool      `json:"pathStyle"`
	PublicKey       string    `json:"pgpPublicKey"`
}

// The ways to authenticate.
const (
	byKeys       = "keys"
	byCredential = "credential"
)

func fields() []connector.Field {
	keys := &connector.ShowIf{Field: "authentication", In: []string{byKeys}}
	return []connector.Field{
		{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-exports", Help: "Only the name, not a URL."},
		{Name: "region", Label: "Region", Type: connector.FieldString, Default: "us-east-1", Required: true, Example: "eu-central-1", Help: "The region that the bucket is in. Most compatible stores take any."},
		file.PrefixField(),
		{
			Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: byKeys,
			Options: []connector.Option{{Value: byKeys, Label: "Access keys"}, {Value: byCredential, Label: "AWS credential", Help: "Keys or a role that sources and destinations share"}},
		},
		{
			Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, ShowIf: &connector.ShowIf{Field: "authentication", In: []string{byCredential}},
			Help: "It needs s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on the objects, s3:ListBucket and s3:ListBucketMultipartUploads on the bucket.",
		},
		{Name: "accessKeyId", Label: "Access key ID", Type: connector.FieldString, Required: true, Example: "AKIAIOSFODNN7EXAMPLE", ShowIf: keys}, //nolint:gosec // the example of Amazon's own pages
		{Name: "secretAccessKey", Label: "Secret access key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: keys},
		{Name: "sessionToken", Label: "Session token", Type: connector.FieldSecret, Secret: true, Advanced: true, Help: "Only for temporary keys, which stop working when they expire.", ShowIf: keys},
		{Name: "roleArn", Label: "Role to assume", Type: connector.FieldString, Advanced: true, Example: "arn:aws:iam::123456789012:role/millrace", Help: "The keys above are exchanged for temporary ones of this role.", ShowIf: keys},
		{Name: "externalId", Label: "External ID", Type: connector.FieldString, Advanced: true, Help: "What the role's trust policy asks for, if it does.", ShowIf: keys},
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://minio.example.com:9000", Help: "The address of another store with the same protocol. Empty means Amazon S3."},
		{Name: "pathStyle", Label: "Path-style addresses", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Put the bucket into the path instead of the host name, as MinIO and most self-hosted stores need it."},
		{Name: "stsEndpoint", Label: "STS endpoint", Type: connector.FieldString, Advanced: true, Help: "The address at which the role is assumed. Empty means Amazon's of the region.", ShowIf: keys},
		file.PublicKeyField(),
	}
}

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)
	roleName   = regexp.MustCompile(`^arn:[a-z0-9-]+:(iam|sts)::[0-9]*:.+`)
)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	s.checkBucket(add)
	if s.Region == "" {
		add("region", "the region is missing")
	}
	if s.Authentication != byCredential {
		s.checkKeys(add)
	}
	file.CheckPrefix(s.Prefix, &issues)
	file.CheckEndpoint("endpoint", s.Endpoint, &issues)
	file.CheckEndpoint("stsEndpoint", s.STSEndpoint, &issues)
	if err := file.CheckPublicKey(s.PublicKey); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.configuration.pgpPublicKey"))
	}
	return issues
}

func (s settings) checkKeys(add func(field, format string, args ...any)) {
	if s.AccessKeyID == "" || s.SecretAccessKey == "" {
		add("accessKeyId", "the access key ID and its secret are both needed")
	}
	if s.RoleARN != "" && !roleName.MatchString(s.RoleARN) {
		add("roleArn", "%q is not the ARN of a role", s.RoleARN)
	}
	if s.RoleARN == "" && s.ExternalID != "" {
		add("externalId", "an external ID is only for a role to assume")
	}
}

func (s settings) checkBucket(add func(field, format string, args ...any)) {
	switch {
	case s.Bucket == "":
		add("bucket", "the bucket's name is missing")
	case strings.ContainsAny(s.Bucket, "/:") || strings.HasSuffix(s.Bucket, ".amazonaws.com"):
		add("bucket", "%q is an address: enter only the bucket's name, such as %q", file.Redacted(s.Bucket), nameIn(s.Bucket))
	case !bucketName.MatchString(s.Bucket):
		add("bucket", "%q cannot be the name of a bucket: it has 3 to 63 letters, digits, dots and hyphens", s.Bucket)
	}
}

// nameIn guesses the bucket's name in an address.
func nameIn(address string) string {
	_, rest, found := strings.Cut(file.Redacted(address), "://")
	if !found {
		rest = file.Redacted(address)
	}
	host, path, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(host, "s3") && strings.HasSuffix(host, ".amazonaws.com") {
		host, _, _ = strings.Cut(path, "/")
	}
	name, _, _ := strings.Cut(host, ".s3")
	if !bucketName.MatchString(name) {
		return "acme-exports"
	}
	return name
}
