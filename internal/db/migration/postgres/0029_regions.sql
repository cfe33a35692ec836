-- The label of the data plane that a workspace was made in; empty where it has none.
ALTER TABLE workspaces ADD COLUMN region TEXT NOT NULL DEFAULT '';
