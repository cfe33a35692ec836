package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// customer is a row of the demo's source.
type customer struct {
	ID        string `json:"customer_id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	City      string `json:"city"`
	LTV       string `json:"ltv"`
	VIP       string `json:"vip"`
}

// record is a customer as the destinations get it.
type record struct {
	ID            string `json:"id"`
	Email         string `json:"email"`
	Name          string `json:"name"`
	City          string `json:"city"`
	LifetimeValue string `json:"lifetime_value"`
}

// shop is the demo's source: a file of customers.
type shop struct {
	path      string
	customers []customer
}

// save writes the customers to the file, which changes at once or not at all.
func (s *shop) save() (err error) {
	part := s.path + ".part"
	f, err := os.Create(part) //nolint:gosec // the demo's own file
	if err != nil {
		return fmt.Errorf("writing the demo's source: %w", err)
	}
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, c := range s.customers {
		err = errors.Join(err, e.Encode(c))
	}
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("writing the demo's source: %w", err)
	}
	return os.Rename(part, s.path)
}

const normal = "Normal"

// vips is what the model says: the customers that are not ordinary ones.
func (s *shop) vips() map[string]record {
	all := map[string]record{}
	for _, c := range s.customers {
		if c.VIP != normal {
			all[c.ID] = record{ID: c.ID, Email: c.Email, Name: c.FirstName + " " + c.LastName, City: c.City, LifetimeValue: c.LTV}
		}
	}
	return all
}

// change lets a day pass: some customers become VIPs, some VIPs move, some leave. It returns how many of
// the model's rows are new, changed and gone.
func (s *shop) change() (added, changed, removed int) {
	kept := s.customers[:0:0]
	vips, others := 0, 0
	for _, c := range s.customers {
		if c.VIP == normal {
			if others++; others%80 == 0 {
				c.VIP = "Gold"
				added++
			}
			kept = append(kept, c)
			continue
		}
		switch vips++; {
		case vips%25 == 0:
			removed++
			continue
		case vips%10 == 0:
			c.City = "New " + c.City
			changed++
		}
		kept = append(kept, c)
	}
	s.customers = kept
	return added, changed, removed
}
