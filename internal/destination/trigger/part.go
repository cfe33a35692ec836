package trigger

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// SendParts sends the parts of a batch one after another, each given by its rows' indexes, and adds up what became of the
// rows. An error of a part is about all of its rows, and of the class that Session.Write says:
//   - Permanent refuses the part's rows, and the next part is sent; where halve says so of the error, the part is sent
//     again in halves until it is clear which rows are to blame;
//   - Unknown ends the batch with that error, since rows of it may have been taken;
//   - every other one is the batch's where nothing was taken before it; else the rows that are left are worth another
//     attempt.
func SendParts(refused []connector.Rejection, parts [][]int, halve func(error) bool, send func(rows []int) ([]connector.Rejection, error)) (connector.Result, error) {
	result := connector.Result{Rejected: refused}
	taken := false
	for n := 0; n < len(parts); n++ {
		rows := parts[n]
		rejected, err := send(rows)
		switch class := fault.ClassOf(err); {
		case err == nil:
			taken = taken || len(rejected) < len(rows)
			result.Rejected = append(result.Rejected, rejected...)
		case class == fault.Permanent && halve != nil && len(rows) > 1 && halve(err):
			half := len(rows) / 2
			parts = slices.Insert(slices.Clone(parts), n+1, rows[:half], rows[half:])
		case class == fault.Permanent:
			result.Rejected = append(result.Rejected, reject(rows, err, false)...)
		case class == fault.Unknown || !taken:
			return connector.Result{}, err
		default:
			result.Rejected = append(result.Rejected, reject(slices.Concat(parts[n:]...), err, true)...)
			return result, nil
		}
	}
	return result, nil
}

func reject(rows []int, err error, retry bool) []connector.Rejection {
	list := make([]connector.Rejection, len(rows))
	for i, row := range rows {
		list[i] = connector.Rejection{Row: row, Reason: err.Error(), Retry: retry}
	}
	return list
}
