// Proofcheck checks proof files, cosignatures and policies with transparency-dev's formats, merkle and Tessera, and with
// torchwood: two families of code that share none with ours.
package main

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/torchwood"
	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	fwitness "github.com/transparency-dev/formats/witness"
	mproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sealtrail.test/outside/internal/lines"
)

func main() {
	lines.Serve(map[string]lines.Op{
		"proof":        lines.Op1(proof),
		"cosignatures": lines.Op1(cosignatures),
		"policy":       lines.Op1(policy),
	})
}

type proofQuestion struct {
	Proof string
	Entry []byte
	Vkey  string
	// Policy is a tlog-policy with this log in it; empty: the log's signature alone.
	Policy string
}

type proofAnswer struct {
	Index uint64 `json:"index"`
	Size  uint64 `json:"size"`
	Extra []byte `json:"extra"`
}

// proof succeeds only if formats and torchwood both accept.
func proof(q proofQuestion) (proofAnswer, error) {
	a, err := byFormats(q)
	if err != nil {
		err = fmt.Errorf("formats: %w", err)
	}
	if other := byTorchwood(q); other != nil {
		err = errors.Join(err, fmt.Errorf("torchwood: %w", other))
	}
	return a, err
}

func byFormats(q proofQuestion) (proofAnswer, error) {
	var p fproof.TLogProof
	if err := p.Unmarshal([]byte(q.Proof)); err != nil {
		return proofAnswer{}, err
	}
	if !bytes.Equal(p.Marshal(), []byte(q.Proof)) {
		return proofAnswer{}, errors.New("the file is not what the library writes for the same proof")
	}
	verifier, err := note.NewVerifier(q.Vkey)
	if err != nil {
		return proofAnswer{}, err
	}
	c, _, _, err := flog.ParseCheckpoint(p.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return proofAnswer{}, err
	}
	if q.Policy != "" {
		group, err := fwitness.ParsePolicy([]byte(q.Policy))
		if err != nil {
			return proofAnswer{}, err
		}
		if !group.Satisfied(p.Checkpoint) {
			return proofAnswer{}, errors.New("the policy is not satisfied")
		}
	}
	var path [][]byte
	for _, h := range p.Hashes {
		path = append(path, h[:])
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(q.Entry)
	if err := mproof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, c.Size, leaf, path, c.Hash); err != nil {
		return proofAnswer{}, err
	}
	return proofAnswer{Index: p.Index, Size: c.Size, Extra: p.ExtraData}, nil
}

func byTorchwood(q proofQuestion) error {
	p, err := torchwoodPolicy(q.Policy, q.Vkey)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(p, tlog.RecordHash(q.Entry), []byte(q.Proof))
}

func torchwoodPolicy(text, vkey string) (torchwood.Policy, error) {
	if text != "" {
		return torchwood.ParsePolicy([]byte(text))
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier)), nil
}

type cosignaturesQuestion struct {
	Note  string
	Vkeys []string
}

type cosignature struct {
	Name string `json:"name"`
	// Time is in POSIX seconds.
	Time int64 `json:"time"`
}

// cosignatures verifies c2sp.org/tlog-cosignature lines with both families; all of the keys must have signed.
func cosignatures(q cosignaturesQuestion) ([]cosignature, error) {
	var formats, torch []note.Verifier
	for _, vkey := range q.Vkeys {
		v, err := fnote.NewVerifierForCosignatureV1(vkey)
		if err != nil {
			return nil, fmt.Errorf("formats: %w", err)
		}
		w, err := torchwood.NewCosignatureVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("torchwood: %w", err)
		}
		formats, torch = append(formats, v), append(torch, w)
	}
	var all []cosignature
	for family, verifiers := range map[string][]note.Verifier{"formats": formats, "torchwood": torch} {
		n, err := note.Open([]byte(q.Note), note.VerifierList(verifiers...))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", family, err)
		}
		if len(n.Sigs) != len(verifiers) {
			return nil, fmt.Errorf("%s: %d of %d cosigned", family, len(n.Sigs), len(verifiers))
		}
		all = nil
		for _, sig := range n.Sigs {
			at, err := fnote.CoSigV1Timestamp(sig)
			if err != nil {
				return nil, err
			}
			seconds, err := torchwood.CosignatureTimestamp(sig)
			if err != nil || seconds != at.Unix() {
				return nil, fmt.Errorf("the two read different times: %d and %d (%v)", at.Unix(), seconds, err)
			}
			all = append(all, cosignature{Name: sig.Name, Time: seconds})
		}
	}
	return all, nil
}

type policyQuestion struct {
	Policy, Note string
}

// policy says what formats, Tessera and torchwood make of a policy and a checkpoint.
func policy(q policyQuestion) (map[string]bool, error) {
	byFormats, err := fwitness.ParsePolicy([]byte(q.Policy))
	if err != nil {
		return nil, fmt.Errorf("formats: %w", err)
	}
	byTessera, err := tessera.NewWitnessGroupFromPolicy([]byte(q.Policy))
	if err != nil {
		return nil, fmt.Errorf("tessera: %w", err)
	}
	byTorchwood, err := torchwood.ParsePolicy([]byte(q.Policy))
	if err != nil {
		return nil, fmt.Errorf("torchwood: %w", err)
	}
	_, _, unmet := torchwood.VerifyCheckpoint([]byte(q.Note), byTorchwood)
	return map[string]bool{
		"formats":   byFormats.Satisfied([]byte(q.Note)),
		"tessera":   byTessera.Satisfied([]byte(q.Note)),
		"torchwood": unmet == nil,
	}, nil
}
