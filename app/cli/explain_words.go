package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// words writes a set of values: "every minute", "9 to 17", "0, 5, 10, ... 55", "Monday to Friday".
func (f field) words(values []int) string {
	if len(values) == f.all {
		switch f.name {
		case "day of month", "day of week":
			return "every day"
		}
		return "every " + f.name
	}
	if step, ok := evenly(values); ok && step > 1 && len(values) > 4 {
		return fmt.Sprintf("%s, %s, %s, … %s", f.word(values[0]), f.word(values[1]), f.word(values[2]), f.word(values[len(values)-1]))
	}
	var parts []string
	for i := 0; i < len(values); {
		end := i
		for end+1 < len(values) && values[end+1] == values[end]+1 {
			end++
		}
		if end-i >= 2 {
			parts = append(parts, f.word(values[i])+" to "+f.word(values[end]))
			i = end + 1
			continue
		}
		parts = append(parts, f.word(values[i]))
		i++
	}
	return strings.Join(parts, ", ")
}

func (f field) word(value int) string {
	if f.names != nil {
		return f.names[value]
	}
	return strconv.Itoa(value)
}

func evenly(values []int) (step int, ok bool) {
	for i := 1; i < len(values); i++ {
		if d := values[i] - values[i-1]; step == 0 {
			step = d
		} else if d != step {
			return 0, false
		}
	}
	return step, step > 0
}

func sorted(values []int) []int {
	slices.Sort(values)
	return values
}
