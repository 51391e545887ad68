package fsutil

import "os"

// Exists reports whether there is something of this name, if only a link that
// leads nowhere.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// IsFile reports whether there is a regular file of this name. A link to one is not.
func IsFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}
