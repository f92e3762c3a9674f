// Tesseralog is a log by Tessera on its POSIX driver whose checkpoints need witnesses: Tessera's own witness client
// speaks to whatever the policy names. Each question adds entries; the answer is the checkpoint published for them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"sealtrail.test/outside/internal/lines"
)

func main() {
	dir := flag.String("dir", "", "folder of the log")
	key := flag.String("key", "", "file with the log's private key, as sumdb/note writes it")
	policy := flag.String("policy", "", "file with the witness policy")
	flag.Parse()
	if err := run(*dir, *key, *policy); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type addQuestion struct {
	Count int
	// Label tells the entries of one question from those of another.
	Label string
	// WaitMs is how long publication is waited for.
	WaitMs int
}

func run(dir, keyFile, policyFile string) error {
	ctx := context.Background()
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(string(key))
	if err != nil {
		return err
	}
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(100*time.Millisecond).
		WithBatching(256, 50*time.Millisecond).
		WithWitnesses(witnesses, &tessera.WitnessOptions{Timeout: 5 * time.Second}))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 20*time.Millisecond)
	lines.Serve(map[string]lines.Op{"add": lines.Op1(func(q addQuestion) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(q.WaitMs)*time.Millisecond)
		defer cancel()
		var futures []tessera.IndexFuture
		for i := range q.Count {
			futures = append(futures, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "%s %d", q.Label, i))))
		}
		var checkpoint []byte
		for _, future := range futures {
			var err error
			if _, checkpoint, err = awaiter.Await(ctx, future); err != nil {
				return "", err
			}
		}
		return string(checkpoint), nil
	})})
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return shutdown(ctx)
}
