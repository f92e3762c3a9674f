// Notecheck checks notes, proofs and whole logs with the Go project's own packages for its checksum database,
// golang.org/x/mod/sumdb/note and sumdb/tlog.
package main

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sealtrail.test/outside/internal/lines"
)

func main() {
	lines.Serve(map[string]lines.Op{
		"note":        lines.Op1(openNote),
		"inclusion":   lines.Op1(inclusion),
		"consistency": lines.Op1(consistency),
		"walk":        lines.Op1(walk),
	})
}

type noteQuestion struct {
	Note  string
	Vkeys []string
}

type noteAnswer struct {
	Text     string   `json:"text"`
	Verified []string `json:"verified"`
}

func openNote(q noteQuestion) (noteAnswer, error) {
	var verifiers []note.Verifier
	for _, vkey := range q.Vkeys {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return noteAnswer{}, err
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open([]byte(q.Note), note.VerifierList(verifiers...))
	if err != nil {
		return noteAnswer{}, err
	}
	a := noteAnswer{Text: n.Text}
	for _, sig := range n.Sigs {
		a.Verified = append(a.Verified, sig.Name)
	}
	return a, nil
}

// Tree is a size and its root, base64 as in a checkpoint.
type Tree struct {
	Size int64
	Root string
}

func (t Tree) parse() (tlog.Tree, error) {
	hash, err := tlog.ParseHash(t.Root)
	return tlog.Tree{N: t.Size, Hash: hash}, err
}

func hashes(texts []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, text := range texts {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

type inclusionQuestion struct {
	Tree  Tree
	Index int64
	Entry []byte
	Proof []string
}

func inclusion(q inclusionQuestion) (bool, error) {
	tree, err := q.Tree.parse()
	if err != nil {
		return false, err
	}
	proof, err := hashes(q.Proof)
	if err != nil {
		return false, err
	}
	return true, tlog.CheckRecord(proof, tree.N, tree.Hash, q.Index, tlog.RecordHash(q.Entry))
}

type consistencyQuestion struct {
	From, To Tree
	Proof    []string
}

func consistency(q consistencyQuestion) (bool, error) {
	from, err := q.From.parse()
	if err != nil {
		return false, err
	}
	to, err := q.To.parse()
	if err != nil {
		return false, err
	}
	proof, err := hashes(q.Proof)
	if err != nil {
		return false, err
	}
	if from.N < 1 || from.N > to.N {
		return false, fmt.Errorf("no proof from %d to %d", from.N, to.N)
	}
	return true, tlog.CheckTree(proof, to.N, to.Hash, from.N, from.Hash)
}
