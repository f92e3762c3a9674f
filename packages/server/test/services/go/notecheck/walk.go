package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type walkQuestion struct {
	// Base is the log's URL prefix, or a folder with the same files.
	Base  string
	Token string
	Vkey  string
	// Older are trees the log signed before.
	Older []Tree
}

type walkAnswer struct {
	Size    int64 `json:"size"`
	Entries int64 `json:"entries"`
	Proofs  int   `json:"proofs"`
	Bytes   int64 `json:"bytes"`
}

// walk reads a whole log by its tiles: every tile is authenticated against the signed root by sumdb/tlog, every entry
// must be the leaf at its place, and inclusion and consistency are proven from the tiles and checked.
func walk(q walkQuestion) (walkAnswer, error) {
	var a walkAnswer
	r := &reader{base: strings.TrimSuffix(q.Base, "/"), token: q.Token, client: &http.Client{Timeout: 10 * time.Second}}
	verifier, err := note.NewVerifier(q.Vkey)
	if err != nil {
		return a, err
	}
	signed, err := r.read("checkpoint")
	if err != nil {
		return a, err
	}
	tree, err := open(signed, verifier)
	if err != nil {
		return a, err
	}
	a.Size = tree.N
	hashes := tlog.TileHashReader(tree, r)
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		entries, err := r.bundle(first/256, int(width))
		if err != nil {
			return a, err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return a, err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return a, fmt.Errorf("entry %d is not the leaf there", first+int64(i))
			}
			a.Entries++
			a.Bytes += int64(len(entry))
		}
		// The first and the last of each bundle, and one between.
		for _, i := range []int64{0, width / 2, width - 1} {
			proof, err := tlog.ProveRecord(tree.N, first+i, hashes)
			if err != nil {
				return a, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, first+i, leaves[i]); err != nil {
				return a, err
			}
			a.Proofs++
		}
	}
	for _, text := range q.Older {
		older, err := text.parse()
		if err != nil {
			return a, err
		}
		if older.N > tree.N {
			return a, fmt.Errorf("the log has shrunk from %d to %d", older.N, tree.N)
		}
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		if err != nil {
			return a, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return a, fmt.Errorf("size %d: %w", older.N, err)
		}
		a.Proofs++
	}
	return a, nil
}

// open is c2sp.org/tlog-checkpoint over sumdb/note: the origin is the key's name.
func open(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	text := strings.Split(n.Text, "\n")
	if len(text) != 4 || text[0] != verifier.Name() || text[3] != "" {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != text[1] {
		return tlog.Tree{}, errors.New("the checkpoint's size is no number")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(text[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("the checkpoint's root is no hash")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// reader is a tlog.TileReader over c2sp.org/tlog-tiles.
type reader struct {
	base, token string
	client      *http.Client
}

func (r *reader) read(path string) ([]byte, error) {
	if !strings.HasPrefix(r.base, "http") {
		return os.ReadFile(filepath.Join(r.base, path))
	}
	request, err := http.NewRequest("GET", r.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", path, response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, 32<<20))
}

func (r *reader) Height() int { return 8 }

func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// The checksum database names the height, C2SP does not: tile/8/0/000 there, tile/0/000 here.
		data, err := r.read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}

func (r *reader) bundle(n int64, width int) ([][]byte, error) {
	path := tlog.Tile{H: 8, L: 0, N: n, W: width}.Path()
	data, err := r.read("tile/entries/" + strings.TrimPrefix(path, "tile/8/0/"))
	if err != nil {
		return nil, err
	}
	in := bytes.NewReader(data)
	var entries [][]byte
	for in.Len() > 0 {
		var length uint16
		if err := binary.Read(in, binary.BigEndian, &length); err != nil {
			return nil, err
		}
		entry := make([]byte, length)
		if _, err := io.ReadFull(in, entry); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s holds %d entries", path, len(entries))
	}
	return entries, nil
}
