// Package lines answers questions, a line of JSON each, until standard input ends.
package lines

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Op answers one kind of question.
type Op func(question json.RawMessage) (any, error)

type answer struct {
	OK    any    `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
}

// Serve answers every line of standard input on standard output, in order.
func Serve(ops map[string]Op) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		if err := out.Encode(ask(ops, in.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(ops map[string]Op, line []byte) answer {
	var head struct{ Op string }
	if err := json.Unmarshal(line, &head); err != nil {
		return answer{Error: "question: " + err.Error()}
	}
	op, known := ops[head.Op]
	if !known {
		return answer{Error: "question: unknown op " + head.Op}
	}
	ok, err := op(line)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{OK: ok}
}

// Op1 makes an Op of a function over the question's own type.
func Op1[Q, A any](f func(Q) (A, error)) Op {
	return func(line json.RawMessage) (any, error) {
		var question Q
		if err := json.Unmarshal(line, &question); err != nil {
			return nil, fmt.Errorf("question: %w", err)
		}
		return f(question)
	}
}
