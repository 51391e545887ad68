package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

// packStep DIR NAME ARCHIVE packs DIR/NAME.
func packStep(args []string) (err error) {
	dir, name, path := args[0], args[1], args[2]
	work, err := os.MkdirTemp(filepath.Dir(path), "work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	w, err := archive.NewWriter(work)
	if err != nil {
		return err
	}
	defer w.Abort()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := w.Add(context.Background(), root, name, name, nil); err != nil {
		return err
	}
	_ = os.Remove(path)
	head, err := w.Finish(path, archive.Head{})
	if err == nil && !head.Complete() {
		err = fmt.Errorf("%s: incomplete", path)
	}
	return err
}

func source(path string) archive.Source {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}

// verifyStep ARCHIVE reads an archive back.
func verifyStep(args []string) error {
	_, err := archive.Verify(context.Background(), source(args[0]), archive.Limits{}, func(int) {})
	return err
}

// unpackStep ARCHIVE DIR unpacks an archive.
func unpackStep(args []string) (err error) {
	r, err := archive.Open(context.Background(), source(args[0]), archive.Limits{})
	if err != nil {
		return err
	}
	defer r.Close()
	root, err := os.OpenRoot(args[1])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := archive.Unpacker{
		Targets: []archive.Target{{Root: root}},
		Note:    func(path, what string) { fmt.Fprintln(os.Stderr, path, what) },
	}
	return u.Unpack(r)
}
