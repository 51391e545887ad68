package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// write packs a directory as tar.gz, with the manual pages behind it, and a program as
// usr/bin/container-manager where one is given: sorted, owned by root, without times, so that the same files are
// the same bytes wherever and whenever it runs.
func write(w io.Writer, dir string, pages map[string]string, programs ...string) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		if entry.Name() == "__pycache__" {
			return fs.SkipDir // Python's, after something imported utils.py
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return add(archive, name, path, info)
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		header := &tar.Header{
			Name: "usr/share/man/man1/" + name, Format: tar.FormatUSTAR, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(pages[name])),
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(archive, pages[name]); err != nil {
			return err
		}
	}
	for _, program := range programs {
		info, err := os.Stat(program)
		if err != nil {
			return err
		}
		if err := add(archive, "usr/bin/container-manager", program, info); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func add(archive *tar.Writer, name, path string, info fs.FileInfo) (err error) {
	header := &tar.Header{Name: name, Format: tar.FormatUSTAR, Mode: 0o644, Typeflag: tar.TypeReg}
	switch {
	case info.IsDir():
		header.Name, header.Typeflag, header.Mode = name+"/", tar.TypeDir, 0o755
	case info.Mode()&fs.ModeSymlink != 0:
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
		if header.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		header.Size = info.Size()
		if info.Mode()&0o111 != 0 {
			header.Mode = 0o755
		}
	default:
		return fmt.Errorf("%s is neither a file nor a directory nor a link", path)
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(archive, file)
	return err
}
