package sqlserver

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector/tds"
	"github.com/millrace/millrace/internal/fault"
)

type settings struct {
	tds.Settings

	Auth             string  `json:"auth"`
	ConnectionString string  `json:"connectionString"`
	RequestTimeout   float64 `json:"requestTimeout"` // seconds

	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	Thumbprint   string `json:"thumbprint"`
	PrivateKey   string `json:"privateKey"`
	Authority    string `json:"authority"`
	TokenScope   string `json:"tokenScope"`
}

// place is where and how to connect.
type place struct {
	tds.Place

	timeout time.Duration // of a query; 0 means none
	token   func(ctx context.Context) (string, error)
}

func (s settings) place() (place, error) {
	if s.Auth == authString {
		var err error
		if s.Settings, err = tds.FromString(s.ConnectionString); err != nil {
			return place{}, err
		}
	}
	if s.Auth == authSecret || s.Auth == authCertificate {
		s.User = "" // the token says who it is
	}
	p, err := s.Place()
	if err != nil {
		return place{}, err
	}
	if s.Auth == authPassword && s.User == "" {
		return place{}, fault.New(fault.CodeRequired, "User is required").WithPath("user")
	}
	return place{Place: p, timeout: time.Duration(s.RequestTimeout * float64(time.Second))}, nil
}
