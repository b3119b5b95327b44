package cli

import (
	"fmt"
	"io"

	"consequor/sim/history"
)

// writePorcupine writes what porcupine draws of a history, and says what it makes
// of it. The verdict is that of the checkers.
func writePorcupine(console *Console, path string, h *history.History) error {
	return writeFile("page of porcupine", console.Path(path), func(w io.Writer) error {
		word, drawn, err := history.WritePorcupine(w, h)
		if err != nil {
			return fmt.Errorf("draw %s: %w", path, err)
		}
		console.Note("porcupine, of %s: %s", counted(drawn, "operation"), porcupineWords[word])
		return nil
	})
}

var porcupineWords = map[string]string{
	"Ok": "in one line", "Illegal": "cannot be put in one line", "Unknown": "not decided in its time",
}
