package env

// Variable describes an environment variable.
type Variable struct {
	// Name is the variable's name, Default its value when not set.
	Name, Default string
	// About says in one sentence what it is for, Want what a valid value is.
	About, Want string
	// Secret means that the value must not be shown.
	Secret bool
	// Yours means that the variable belongs to the struct that embeds [Config].
	Yours bool
}

// remedy returns the advice for any invalid value of v.
func (v Variable) remedy() string {
	remove := "remove it"
	if v.Default != "" {
		remove = "remove it for the default " + v.Default
	}
	if v.Want == "" {
		return "correct it, or " + remove
	}
	return "set it to " + v.Want + ", or " + remove
}
