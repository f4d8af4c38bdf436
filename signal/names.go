package signal

import "strings"

// Names is one name, or a list of them, as a file may write it.
type Names []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*n = Names{one}
		return nil
	}
	var many []string
	if err := unmarshal(&many); err != nil {
		return err
	}
	*n = many
	return nil
}

// String joins the names as alternatives.
func (n Names) String() string { return strings.Join(n, " or ") }
