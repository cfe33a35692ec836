package manifest

// Audiences lists the audiences of the ad accounts. Templates see the account as account and an audience as item.
type Audiences struct {
	Account   Expr              `yaml:"account" doc:"The accounts that the connection names: one, or a list. Those of the syncs are added."`
	AccountID Expr              `yaml:"accountId" doc:"An account's ID in the report, where account is also the way to it: an expression on account."`
	Accounts  *AudienceAccounts `yaml:"accounts" doc:"How the accounts that the connection reaches are listed."`
	Request   `yaml:",inline"`
	When      Cond             `yaml:"when" doc:"The audiences that count: a condition on item."`
	ID        Expr             `yaml:"id" doc:"An audience's ID: an expression on item." required:"true"`
	Name      Expr             `yaml:"name" doc:"Its name." required:"true"`
	Size      Expr             `yaml:"size" doc:"How many people it has; null or less than 0 where that is not known." required:"true"`
	Known     Cond             `yaml:"known" doc:"A condition on item without which its size is not known, whatever size says; always unless said."`
	Status    Text             `yaml:"status" doc:"The vendor's word for its state."`
	Link      Text             `yaml:"link" doc:"The vendor's page about it."`
	Columns   []AudienceColumn `yaml:"columns" doc:"What else the vendor tells of it."`
}

// AudienceAccounts lists the ad accounts that the connection reaches.
type AudienceAccounts struct {
	Request `yaml:",inline"`
	When    Cond `yaml:"when" doc:"The accounts that count: a condition on item."`
	Value   Expr `yaml:"value" doc:"An account's ID: an expression on item." required:"true"`
}

// AudienceColumn is one thing that the vendor tells of an audience.
type AudienceColumn struct {
	Name  string `yaml:"name" doc:"Its name in the table of audience sizes: the vendor's own." required:"true"`
	Type  string `yaml:"type" doc:"What it holds; json is for objects and lists." enum:"text,integer,number,boolean,timestamp,json" required:"true"`
	Value Expr   `yaml:"value" doc:"An expression on item; null where the vendor does not tell it." required:"true"`
}

// SyncAudience is the audience that a sync fills. Templates see connection, settings, model and resources.
type SyncAudience struct {
	Account Expr `yaml:"account" doc:"The ad account." required:"true"`
	ID      Expr `yaml:"id" doc:"The audience's ID, as the list has it." required:"true"`
	When    Cond `yaml:"when" doc:"The settings that it is for; always unless said."`
}
