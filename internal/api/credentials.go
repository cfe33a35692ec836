package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/resource"
)

// CredentialStatus is what is known of a credential beyond its document.
type CredentialStatus struct {
	UseCount    int           `json:"useCount" doc:"documents that use it"`
	ClientID    string        `json:"clientId,omitempty" doc:"of a Google service account"`
	ClientEmail string        `json:"clientEmail,omitempty" doc:"of a Google service account"`
	ProjectID   string        `json:"projectId,omitempty" doc:"of a Google service account"`
	LastTest    *LastTestBody `json:"lastTest"`
}

func (s *Server) credentials(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/credentials", "list-credential-types", "Providers of clouds that credentials can be of", nil), func(context.Context, *struct{}) (*body[page[credential.Type]], error) {
		all := s.Credentials.Types
		return &body[page[credential.Type]]{page[credential.Type]{Items: all, Total: len(all)}}, nil
	})
	type external struct {
		ExternalID string `json:"externalId"`
	}
	register(s, api, op(http.MethodPost, "/api/credentials/external-id", "issue-external-id", "Issue an external ID for an AWS role: it is shown this once", nil), func(ctx context.Context, _ *struct{}) (*body[external], error) {
		id, err := s.Credentials.ExternalID(who(ctx).WorkspaceID)
		return &body[external]{external{id}}, err
	})
	register(s, api, op(http.MethodPost, "/api/credentials/test", "test-credential", "Ask the provider whether it accepts a credential, before it is saved", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		spec := &credential.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), credential.KindName, in.Body.Slug, spec); err != nil {
				return err
			}
			return s.Credentials.Test(ctx, who(ctx).WorkspaceID, *spec)
		})
		s.noteTest(ctx, credential.KindName, in.Body.Slug, spec, b.Body)
		return b, nil
	})
}

func (s *Server) credentialStatus(ctx context.Context, d resource.Document, spec *credential.Spec) (*CredentialStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	st := &CredentialStatus{UseCount: n}
	if st.LastTest, err = s.lastTest(ctx, d); err != nil || spec.Type != cloud.ProviderGCP {
		return st, err
	}
	whole, err := s.Resources.Resolve(ctx, scope(ctx), credential.KindName, d.Slug)
	if err != nil {
		return st, err
	}
	key, _ := whole.Spec.(*credential.Spec).Configuration["serviceAccountKey"].(string)
	if a, err := cloud.ParseServiceAccount(key); err == nil {
		st.ClientID, st.ClientEmail, st.ProjectID = a.ClientID, a.ClientEmail, a.ProjectID
	}
	return st, nil
}
