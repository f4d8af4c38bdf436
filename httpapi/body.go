package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// Limits of what a body may say, since it is shown in alerts and on pages.
const (
	maxLineBytes = 300
	maxLabels    = 30
)

// readBody reads a body that is one JSON object. The example is what the errors
// say to write instead.
func readBody(r io.Reader, into any, example string) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return &apiError{http.StatusRequestEntityTooLarge, "too_large", fmt.Errorf("the body has more than %d bytes: write JSON such as %s", long.Limit, example)}
	case err == nil:
		return badData("something follows the JSON object: write one object such as %s", example)
	default:
		return badData("the body cannot be read: %w: write JSON such as %s", err, example)
	}
}

// checkLine refuses text that is too long or would break the lines of an alert.
func checkLine(field, text string) error {
	switch {
	case len(text) > maxLineBytes:
		return badData("%s has %d bytes: write at most %d", field, len(text), maxLineBytes)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return badData("%s is not one line of printable text: remove line breaks and control characters", field)
	default:
		return nil
	}
}

func checkLabels(labels model.LabelSet) error {
	if len(labels) > maxLabels {
		return badData("labels has %d entries: write at most %d, such as the service", len(labels), maxLabels)
	}
	for name, value := range labels {
		if !model.LegacyValidation.IsValidLabelName(string(name)) {
			return badData("labels: %q is not a label name: write letters, digits and underscores", name)
		}
		if value == "" {
			return badData("labels: %s is empty: give it a value, or leave it out", name)
		}
		if err := checkLine("labels: "+string(name), string(value)); err != nil {
			return err
		}
	}
	return nil
}
