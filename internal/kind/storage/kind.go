package storage

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/resource"
)

// KindName is the kind's name.
const KindName = "storage"

// Kind returns the descriptor of storages.
func Kind(types []Type) resource.Kind {
	k := resource.Define(KindName, "storages",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(types, stored) },
		func(s *Spec) []resource.Ref {
			t, err := typeOf(types, s.Type)
			if err != nil {
				return nil
			}
			return credential.References(configuration, s.Configuration, t.Fields)
		},
		func(s *Spec, visit func(resource.Place)) {
			if t, err := typeOf(types, s.Type); err == nil {
				resource.VisitSecrets(configuration, s.Configuration, t.Fields, visit)
			}
		})
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		s := spec.(*Spec) //nolint:forcetypeassert // this kind's spec
		t, err := typeOf(types, s.Type)
		if err != nil {
			return nil //nolint:nilerr // reported already
		}
		return credential.Fits(configuration, s.Configuration, t.Fields, get)
	}
	return k
}

// Fields are those of a spec's type; none where there is no such type.
func Fields(types []Type, s Spec) []connector.Field {
	t, err := typeOf(types, s.Type)
	if err != nil {
		return nil
	}
	return t.Fields
}

const configuration = "spec.configuration"

// Check reports every error of a spec with its secrets in place.
func Check(types []Type, s Spec) error {
	return s.validate(types, func(string) bool { return false }).Err()
}

func (s *Spec) validate(types []Type, stored func(string) bool) fault.Issues {
	t, err := typeOf(types, s.Type)
	if err != nil {
		return fault.Issues{fault.As(err)}
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues := settings.Check(configuration, t.Fields, func(name string) bool { return stored(configuration + "." + name) })
	full := settings.WithDefaults(t.Fields)
	checkPrefix(full.Text("prefix"), &issues)
	for _, field := range []string{"endpoint", "stsEndpoint", "authority"} {
		checkAddress(field, full.Text(field), &issues)
	}
	t.check(full, &issues)
	return issues
}

func complain(issues *fault.Issues, field, format string, args ...any) {
	issues.Add(configuration+"."+field, fault.CodeInvalid, format, args...)
}

// checkPrefix refuses what is no plain path of folders.
func checkPrefix(prefix string, issues *fault.Issues) {
	p := "/" + strings.Trim(prefix, "/") + "/"
	if prefix != "" && (strings.Contains(p, "//") || strings.Contains(p, "/../") || strings.Contains(p, "/./") || strings.ContainsAny(p, "\\*?")) {
		complain(issues, "prefix", "the prefix %q is not a plain path such as prod or millrace/prod", prefix)
	}
}

func checkAddress(field, text string, issues *fault.Issues) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		complain(issues, field, "the address must be like https://storage.example.com")
	case u.User != nil || u.RawQuery != "":
		complain(issues, field, "the address must have no user, password or query")
	}
}

var (
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and
	// https://cloud.google.com/storage/docs/buckets#naming; older buckets may have capitals.
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]$`)
	// https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-name-rules
	accountName   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerName = regexp.MustCompile(`^[a-z0-9]([a-z0-9]|-[a-z0-9]){2,62}$|^\$root$`)
	roleName      = regexp.MustCompile(`^arn:[a-z0-9-]+:(iam|sts)::[0-9]*:.+`)
)

func checkBucket(name string, issues *fault.Issues) {
	if name != "" && !bucketName.MatchString(name) {
		complain(issues, "bucket", "%q is not the name of a bucket: enter only its name, without a path or a domain", name)
	}
}

func s3Check(s connector.Settings, issues *fault.Issues) {
	checkBucket(s.Text("bucket"), issues)
	role := s.Text("roleArn")
	if role != "" && !roleName.MatchString(role) {
		complain(issues, "roleArn", "%q is not the ARN of a role", role)
	}
	if role == "" && s.Text("externalId") != "" {
		complain(issues, "externalId", "an external ID is only for a role to assume")
	}
}

func gcsCheck(s connector.Settings, issues *fault.Issues) {
	checkBucket(s.Text("bucket"), issues)
	if key := s.Text("serviceAccountKey"); key != "" {
		if _, err := cloud.ParseServiceAccount(key); err != nil {
			*issues = append(*issues, fault.As(err).WithPath(configuration+".serviceAccountKey"))
		}
	}
}

func azureCheck(s connector.Settings, issues *fault.Issues) {
	if name := s.Text("accountName"); name != "" && !accountName.MatchString(name) {
		complain(issues, "accountName", "%q is not the name of a storage account: it has 3 to 24 lower-case letters and digits, and no domain", name)
	}
	if name := s.Text("container"); name != "" && !containerName.MatchString(name) {
		complain(issues, "container", "%q is not the name of a container: it has 3 to 63 lower-case letters, digits and single hyphens", name)
	}
	if a := s.Text("authority"); a != "" && !strings.HasPrefix(a, "https://") {
		complain(issues, "authority", "the authority must be reached by https")
	}
}
