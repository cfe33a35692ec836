package sample

import (
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// list is a SQL list of texts.
func list(items ...string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = query.DuckDB.Text(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

var (
	firstNames = list("Olivia", "Liam", "Emma", "Noah", "Ava", "Mateo", "Sophia", "Elijah", "Isabella", "Lucas", "Mia", "Levi", "Amelia", "Ezra", "Harper", "Asher",
		"Evelyn", "Leo", "Camila", "James", "Gianna", "Luca", "Luna", "Henry", "Ella", "Hudson", "Sofia", "Ethan", "Aria", "Muhammad", "Scarlett", "Maverick",
		"Chloe", "Theodore", "Layla", "Grayson", "Mila", "Daniel", "Nora", "Michael", "Hazel", "Jack", "Zoë", "Benjamin", "Riley", "Aiden", "Valentina", "Samuel",
		"Priya", "Wei", "Yuki", "Fatima", "Omar", "Ingrid", "Søren", "José", "Anaïs", "Siobhán", "Kwame", "Amara", "Dmitri", "Zofia", "Tomás", "Aoife")
	lastNames = list("Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson",
		"Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson",
		"Walker", "Young", "Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall", "Rivera", "Campbell",
		"O'Brien", "Müller", "Kowalski", "Okafor", "Patel", "Kim", "Tanaka", "Silva", "Dubois", "Rossi", "Jensen", "Novák", "Haddad")
	cities = list("New York|NY", "Los Angeles|CA", "Chicago|IL", "Houston|TX", "Phoenix|AZ", "Philadelphia|PA", "San Antonio|TX", "San Diego|CA", "Dallas|TX", "San Jose|CA",
		"Austin|TX", "Jacksonville|FL", "Miami|FL", "Tampa|FL", "Orlando|FL", "Seattle|WA", "Denver|CO", "Boston|MA", "Portland|OR", "Nashville|TN", "Atlanta|GA", "Detroit|MI")
	brands    = list("Nano X2", "Strider", "Cloudhop", "Terra", "Vela", "Kestrel")
	companies = list("Acorn", "Bluebird", "Cobalt", "Driftwood", "Ember", "Foxglove", "Granite", "Harbor", "Indigo", "Juniper", "Kite", "Lantern", "Maple", "Northwind", "Orchard", "Pioneer",
		"Quartz", "Redwood", "Summit", "Timber", "Umbra", "Violet", "Willow", "Yarrow", "Zephyr")
	suffixes = list("Labs", "Systems", "Works", "Analytics", "Health", "Logistics", "Media", "Foods", "Robotics", "Studio")
)

// helpers are macros of deterministic chance: a number from 0 up to n for a row and a purpose, and a choice from
// a list. The hash of a row's number is the same on every machine.
var helpers = []string{
	`CREATE MACRO below(i, purpose, n) AS (md5_number_lower(purpose || ':' || i) % n::UBIGINT)::BIGINT`,
	`CREATE MACRO one_of(i, purpose, items) AS items[(md5_number_lower(purpose || ':' || i) % len(items)::UBIGINT)::BIGINT + 1]`,
	// favours the beginning of a list, as names and cities do
	`CREATE MACRO often_of(i, purpose, items) AS items[floor(len(items) * pow(below(i, purpose, 1000000) / 1000000.0, 1.7))::BIGINT + 1]`,
}

var dropHelpers = []string{"DROP MACRO often_of", "DROP MACRO one_of", "DROP MACRO below"}

// The time around which the data is: it does not move, so that the data does not.
const now = "TIMESTAMP '2026-10-01 00:00:00'"

var b2c = dataset{
	slug: "sample-b2c", name: "B2C eCommerce", summary: "A shoe shop: customers, products, orders and cart events",
	statements: []string{
		`CREATE TABLE customers AS
		SELECT 'c' || lpad(i::VARCHAR, 6, '0') AS customer_id, first_name, last_name,
		       lower(regexp_replace(strip_accents(first_name) || '.' || strip_accents(last_name), '[^A-Za-z.]', '', 'g')) || i || '@example.com' AS email,
		       '+1' || (2000000000 + below(i, 'phone', 7999999999))::VARCHAR AS phone,
		       split_part(place, '|', 1) AS city, split_part(place, '|', 2) AS state, 'US' AS country,
		       round(spend, 2)::VARCHAR AS ltv, one_of(i, 'brand', ` + brands + `) AS brand_affinity,
		       CASE WHEN spend > 2400 THEN 'Platinum' WHEN spend > 1200 THEN 'Gold' WHEN spend > 700 THEN 'Silver' ELSE 'Normal' END AS VIP,
		       (CASE WHEN below(i, 'cart', 100) < 62 THEN 0 ELSE 1 + below(i, 'items', 6) END)::VARCHAR AS items_in_cart,
		       (DATE '2026-10-01' - below(i, 'joined', 1400)::INTEGER)::VARCHAR AS signup_date,
		       below(i, 'consent', 100) < 71 AS email_consent
		FROM (SELECT i, often_of(i, 'first', ` + firstNames + `) AS first_name, often_of(i, 'last', ` + lastNames + `) AS last_name,
		             often_of(i, 'city', ` + cities + `) AS place,
		             20 + 3200 * pow(below(i, 'spend', 1000000) / 1000000.0, 5) + below(i, 'cents', 30000) / 100.0 AS spend
		      FROM range(1, 50001) r(i)) ORDER BY customer_id`,
		`CREATE TABLE products AS
		SELECT 'p' || lpad(i::VARCHAR, 3, '0') AS product_id, brand || ' ' || one_of(i, 'model', ['Runner', 'Trail', 'Court', 'Loafer', 'Boot', 'Slip-on']) AS name, brand,
		       one_of(i, 'category', ['Running', 'Hiking', 'Casual', 'Tennis', 'Winter']) AS category,
		       (39 + below(i, 'price', 160))::DECIMAL(10, 2) + 0.99 AS price
		FROM (SELECT i, one_of(i, 'pbrand', ` + brands + `) AS brand FROM range(1, 121) r(i)) ORDER BY product_id`,
		`CREATE TABLE orders AS
		SELECT 'o' || lpad(i::VARCHAR, 7, '0') AS order_id, 'c' || lpad((1 + floor(50000 * pow(below(i, 'buyer', 1000000) / 1000000.0, 1.6)))::BIGINT::VARCHAR, 6, '0') AS customer_id,
		       ` + now + ` - to_minutes(below(i, 'ordered', 1036800)) AS ordered_at,
		       one_of(i, 'status', ['delivered', 'delivered', 'delivered', 'delivered', 'shipped', 'returned', 'cancelled']) AS status
		FROM range(1, 90001) r(i) ORDER BY order_id`,
		`CREATE TABLE order_items AS
		SELECT o.order_id, l AS line, p.product_id, 1 + below(o.order_id || '/' || l, 'quantity', 3) AS quantity, p.price AS unit_price
		FROM orders o, range(1, 4) r(l), products p
		WHERE l <= 1 + below(o.order_id, 'lines', 3)
		  AND p.product_id = 'p' || lpad((1 + below(o.order_id || '/' || l, 'product', 120))::VARCHAR, 3, '0') ORDER BY o.order_id, l`,
		`CREATE TABLE events AS
		SELECT 'e' || lpad(i::VARCHAR, 7, '0') AS event_id, 'c' || lpad((1 + floor(50000 * pow(below(i, 'who', 1000000) / 1000000.0, 1.4)))::BIGINT::VARCHAR, 6, '0') AS customer_id,
		       one_of(i, 'event', ['product_viewed', 'product_viewed', 'product_viewed', 'product_added_to_cart', 'product_added_to_cart', 'product_removed_from_cart', 'checkout_started', 'order_completed']) AS event,
		       ` + now + ` - to_seconds(below(i, 'at', 15552000)) AS occurred_at,
		       {'product_id': 'p' || lpad((1 + below(i, 'eproduct', 120))::VARCHAR, 3, '0'), 'quantity': 1 + below(i, 'eq', 3), 'device': one_of(i, 'device', ['ios', 'android', 'web', 'web'])} AS properties
		FROM range(1, 500001) r(i) ORDER BY event_id`,
		"COMMENT ON COLUMN customers.customer_id IS 'Given when the account is opened; never reused'",
		"COMMENT ON COLUMN customers.email IS 'Address that the customer confirmed'",
		"COMMENT ON COLUMN customers.ltv IS 'Lifetime value in US dollars, as text'",
		"COMMENT ON COLUMN customers.VIP IS 'Tier by lifetime value: Normal, Silver, Gold, Platinum'",
		"COMMENT ON COLUMN customers.items_in_cart IS 'Items left in the cart, as text'",
		"COMMENT ON COLUMN customers.email_consent IS 'Whether marketing by email is allowed'",
	},
	queries: []connector.SampleQuery{
		{Title: "Abandoned cart retargeting ads", SQL: "SELECT * FROM public.customers WHERE VIP = 'Normal' AND CAST(items_in_cart AS int) > 0"},
		{Title: "Seasonal Rebook campaign - Nano X2", SQL: "SELECT customer_id, first_name, email, brand_affinity, ltv\nFROM public.customers\nWHERE brand_affinity = 'Nano X2' AND CAST(ltv AS DOUBLE) > 300"},
		{Title: "Annual VIP celebration event in Florida", SQL: "SELECT customer_id, first_name, last_name, email, city, VIP\nFROM public.customers\nWHERE state = 'FL' AND VIP IN ('Gold', 'Platinum')"},
	},
}

var b2b = dataset{
	slug: "sample-b2b", name: "B2B SaaS", summary: "A software business: organizations, users, subscriptions and invoices",
	statements: []string{
		`CREATE TABLE organizations AS
		SELECT 'org_' || lpad(i::VARCHAR, 5, '0') AS organization_id, one_of(i, 'company', ` + companies + `) || ' ' || one_of(i, 'suffix', ` + suffixes + `) AS name,
		       kind AS type, CASE WHEN kind = 'Enterprise' THEN 'Large' WHEN kind = 'Business' THEN 'Mid-Market' ELSE one_of(i, 'segment', ['SMB', 'SMB', 'Startup']) END AS segment,
		       often_of(i, 'industry', ['Software', 'Retail', 'Healthcare', 'Finance', 'Education', 'Manufacturing', 'Media']) AS industry,
		       (below(i, 'storage', CASE kind WHEN 'Enterprise' THEN 900000 WHEN 'Business' THEN 250000 ELSE 80000 END))::VARCHAR AS total_storage_used_mb,
		       (1 + below(i, 'invited', CASE kind WHEN 'Enterprise' THEN 900 WHEN 'Business' THEN 120 ELSE 25 END))::VARCHAR AS total_users_invited,
		       below(i, 'docs', 2500)::VARCHAR AS documents_uploaded_l30d,
		       (DATE '2026-10-01' - below(i, 'since', 1200)::INTEGER)::VARCHAR AS created_at
		FROM (SELECT i, one_of(i, 'type', ['Self-Serve', 'Self-Serve', 'Self-Serve', 'Business', 'Business', 'Enterprise']) AS kind FROM range(1, 5001) r(i)) ORDER BY organization_id`,
		`CREATE TABLE users AS
		SELECT 'usr_' || lpad(i::VARCHAR, 6, '0') AS user_id, 'org_' || lpad((1 + below(i, 'uorg', 5000))::VARCHAR, 5, '0') AS organization_id, first_name, last_name,
		       lower(regexp_replace(strip_accents(first_name) || '.' || strip_accents(last_name), '[^A-Za-z.]', '', 'g')) || i || '@example.org' AS email,
		       one_of(i, 'role', ['admin', 'member', 'member', 'member', 'viewer']) AS role,
		       (DATE '2026-10-01' - below(i, 'seen', 120)::INTEGER)::VARCHAR AS last_active_at, below(i, 'logins', 60)::VARCHAR AS logins_l30d
		FROM (SELECT i, often_of(i, 'ufirst', ` + firstNames + `) AS first_name, often_of(i, 'ulast', ` + lastNames + `) AS last_name FROM range(1, 40001) r(i)) ORDER BY user_id`,
		`CREATE TABLE subscriptions AS
		SELECT 'sub_' || substr(organization_id, 5) AS subscription_id, organization_id, CASE type WHEN 'Self-Serve' THEN 'Starter' ELSE type END AS plan,
		       (CASE type WHEN 'Enterprise' THEN 2400 WHEN 'Business' THEN 390 ELSE 49 END)::DECIMAL(10, 2) AS monthly_price,
		       one_of(organization_id, 'state', ['active', 'active', 'active', 'active', 'past_due', 'cancelled']) AS status
		FROM organizations ORDER BY subscription_id`,
		`CREATE TABLE invoices AS
		SELECT 'inv_' || substr(s.subscription_id, 5) || '_' || m AS invoice_id, s.organization_id, s.monthly_price AS amount,
		       DATE '2026-10-01' - to_months(m::INTEGER) AS issued_at, below(s.subscription_id || m, 'paid', 100) < 94 AS paid
		FROM subscriptions s, range(1, 7) r(m) ORDER BY invoice_id`,
		"COMMENT ON COLUMN organizations.type IS 'How they buy: Self-Serve, Business, Enterprise'",
		"COMMENT ON COLUMN organizations.total_storage_used_mb IS 'Megabytes stored, as text'",
		"COMMENT ON COLUMN organizations.documents_uploaded_l30d IS 'Documents uploaded in the last 30 days, as text'",
		"COMMENT ON COLUMN users.last_active_at IS 'Day of the last visit, as text'",
		"COMMENT ON COLUMN users.logins_l30d IS 'Logins in the last 30 days, as text'",
	},
	queries: []connector.SampleQuery{
		{Title: "Product-led sales upsell opportunities", SQL: "SELECT * FROM public.organizations WHERE type = 'Self-Serve' AND CAST(total_storage_used_mb AS INT) > 50000"},
		{Title: "Lifecycle marketing to inactive admins", SQL: "SELECT u.user_id, u.email, u.first_name, u.last_active_at, o.name AS organization\nFROM public.users u JOIN public.organizations o USING (organization_id)\nWHERE u.role = 'admin' AND CAST(u.last_active_at AS DATE) < DATE '2026-08-01'"},
		{Title: "New Business Tier product introduction", SQL: "SELECT organization_id, name, industry, total_users_invited\nFROM public.organizations\nWHERE type = 'Self-Serve' AND CAST(total_users_invited AS INT) > 15 AND CAST(documents_uploaded_l30d AS INT) > 1000"},
	},
}
