package demo

func (d *demo) apiSpec(mappings []map[string]any) map[string]any { return nil }
