package schedule

import "strings"

// hash parses H, H(5-9), H/2 and H(5-9)/2.
func (f *field) hash(it item, s, base string, stepped bool) (item, *Error) {
	it.form, it.lo, it.hi = formHash, f.min, f.hashMax
	if base = base[1:]; base != "" {
		body, opened := strings.CutPrefix(base, "(")
		body, closed := strings.CutSuffix(body, ")")
		lo, hi, ranged := strings.Cut(body, "-")
		if !opened || !closed || !ranged {
			return item{}, f.wrong(s, "H is written H, H(a-b), H/n or H(a-b)/n")
		}
		var err *Error
		if it.lo, err = f.value(s, lo); err != nil {
			return item{}, err
		}
		if it.hi, err = f.value(s, hi); err != nil {
			return item{}, err
		}
		if f == &fields[fieldWeekday] {
			it.lo, it.hi = foldSunday(it.lo, it.hi)
		}
		it.bounded = true
	}
	if !stepped {
		it.step = 0
	} else if it.step > f.count(it) {
		return item{}, f.wrong(s, "step %d is larger than the %d values H may take", it.step, f.count(it))
	}
	return it, nil
}

// count is the number of values from lo to hi.
func (f *field) count(it item) int {
	n := it.hi - it.lo
	if n < 0 {
		n += f.max - f.min + 1
	}
	return n + 1
}

// resolve replaces H by one value of its range, or with a step by every step-th value from one of the first step
// values.
func (f *field) resolve(it item, seed string) item {
	choices := it.step
	if it.step == 0 {
		choices = f.count(it)
	}
	lo := it.lo + int(hashOf(seed, f.name)%uint64(choices)) //nolint:gosec // choices is 1 to 60
	if lo > f.max {
		lo -= f.max - f.min + 1
	}
	if it.step == 0 {
		return item{form: formRange, lo: lo, hi: lo, step: 1}
	}
	return item{form: formRange, lo: lo, hi: it.hi, step: it.step}
}

// hashOf is 64-bit FNV-1a of seed, a zero byte and the field's name, followed by MurmurHash3's finalizer, because FNV's
// low bits alone are too regular for a modulus. Changing it would move every H of every user.
func hashOf(seed, name string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(seed) {
		h = (h ^ uint64(seed[i])) * prime
	}
	h *= prime // the zero byte
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
