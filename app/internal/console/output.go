package console

import "io"

// Output is a writer that keeps the first error and writes nothing after it, so callers need not check every write.
type Output struct {
	io.Writer
	// Failed is called at the first error. Optional.
	Failed func()
	// Err is the first error; nil: there was none.
	Err error
}

// Write implements [io.Writer].
func (o *Output) Write(b []byte) (int, error) {
	if o.Err != nil {
		return 0, o.Err
	}
	n, err := o.Writer.Write(b)
	if err != nil {
		o.Err = err
		if o.Failed != nil {
			o.Failed()
		}
	}
	return n, err
}

// Unwrap returns the underlying writer.
func (o *Output) Unwrap() io.Writer { return o.Writer }
