package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/config"
)

const (
	cryptSuffix = ".age"
	// cryptMagic is what files of age begin with; see age-encryption.org/v1.
	cryptMagic = "age-encryption.org/"
	// scryptWork makes a guess at a passphrase cost 32 MB and 0.1 s. The default
	// of age is 8 times that, which is more memory than many containers have.
	scryptWork = 15
)

// errNoKey says that an archive is encrypted and that there is nothing to decrypt
// it with, which is no fault of the archive.
var errNoKey = errors.New("is encrypted, and no key fits")

// recipients returns whom archives are encrypted to. Without recipients they are
// not encrypted.
func (r Runner) recipients() ([]age.Recipient, error) {
	c := r.Config
	switch {
	case c.AgeRecipients != "" && c.AgePassphrase != "":
		return nil, invalid("IMAGE_BACKUP_AGE_RECIPIENTS and IMAGE_BACKUP_AGE_PASSPHRASE_FILE are both set: unset one")
	case c.AgePassphrase != "":
		passphrase, err := readPassphrase(c.AgePassphrase)
		if err != nil {
			return nil, invalid("IMAGE_BACKUP_AGE_PASSPHRASE_FILE=%q: %v", c.AgePassphrase, err)
		}
		recipient, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return nil, invalid("IMAGE_BACKUP_AGE_PASSPHRASE_FILE=%q: %v", c.AgePassphrase, err)
		}
		recipient.SetWorkFactor(scryptWork)
		return []age.Recipient{recipient}, nil
	case c.AgeRecipients == "":
		return nil, nil
	}
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(strings.Fields(c.AgeRecipients), "\n")))
	if err != nil {
		return nil, invalid("IMAGE_BACKUP_AGE_RECIPIENTS holds something that is no public key of age")
	}
	return recipients, nil
}

func invalid(format string, args ...any) error {
	return &config.Error{Problems: []string{fmt.Sprintf(format, args...)}}
}

func readPassphrase(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	passphrase, _ := strings.CutSuffix(string(data), "\n")
	if passphrase == "" {
		return "", errors.New("the file is empty")
	}
	return passphrase, nil
}

// identities returns everything that an archive may be decrypted with.
func (r Runner) identities() ([]age.Identity, error) {
	var all []age.Identity
	f, err := os.Open(r.Config.AgeIdentities)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("IMAGE_BACKUP_AGE_IDENTITY_FILE: %w", err)
	default:
		defer f.Close()
		if all, err = age.ParseIdentities(f); err != nil {
			// The library's own words may quote what is a secret.
			return nil, fmt.Errorf("IMAGE_BACKUP_AGE_IDENTITY_FILE=%q holds something that is no secret key of age", r.Config.AgeIdentities)
		}
	}
	if r.Config.AgePassphrase != "" {
		passphrase, err := readPassphrase(r.Config.AgePassphrase)
		if err != nil {
			return nil, fmt.Errorf("IMAGE_BACKUP_AGE_PASSPHRASE_FILE=%q: %w", r.Config.AgePassphrase, err)
		}
		identity, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return nil, err
		}
		all = append(all, identity)
	}
	return all, nil
}

// source returns the compressed bytes of an archive, decrypted if need be.
// Whether it is encrypted is told by its content.
func (r Runner) source(path string) archive.Source {
	return func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		in := bufio.NewReaderSize(f, 64<<10)
		if magic, _ := in.Peek(len(cryptMagic)); string(magic) != cryptMagic {
			return readCloser{in, f}, nil
		}
		plain, err := r.decrypt(in)
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		return readCloser{plain, f}, nil
	}
}

type readCloser struct {
	io.Reader
	io.Closer
}

func (r Runner) decrypt(in io.Reader) (io.Reader, error) {
	identities, err := r.identities()
	if err != nil {
		return nil, err
	}
	if len(identities) == 0 {
		return nil, fmt.Errorf("%w: put the secret key into %s (IMAGE_BACKUP_AGE_IDENTITY_FILE)", errNoKey, r.Config.AgeIdentities)
	}
	plain, err := age.Decrypt(in, identities...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("%w: neither those of IMAGE_BACKUP_AGE_IDENTITY_FILE=%s nor the passphrase of IMAGE_BACKUP_AGE_PASSPHRASE_FILE=%s",
			errNoKey, r.Config.AgeIdentities, r.Config.AgePassphrase)
	}
	if err != nil {
		return nil, archive.Invalid(err)
	}
	return plain, nil
}

// seal encrypts an archive, reads the result back, and returns its SHA-256. The content
// was verified before, because whoever encrypts may be unable to decrypt.
func seal(ctx context.Context, plain, sealed string, recipients []age.Recipient) (sum string, err error) {
	in, err := os.Open(plain)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(sealed, os.O_WRONLY|os.O_CREATE|os.O_EXCL, archiveMode)
	if err != nil {
		return "", err
	}
	defer out.Close()
	hash := sha256.New()
	w, err := age.Encrypt(io.MultiWriter(out, hash), recipients...)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(w, contextReader{ctx, in}); err != nil {
		return "", err
	}
	if err := errors.Join(w.Close(), out.Chmod(archiveMode), out.Sync()); err != nil {
		return "", err
	}
	_ = unix.Fadvise(int(out.Fd()), 0, 0, unix.FADV_DONTNEED) // so that the disk is read, if possible
	written := hash.Sum(nil)
	back, err := fileSum(ctx, sealed)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(written, back) {
		return "", fmt.Errorf("the archive that was just written has the SHA-256 %x instead of %x", back, written)
	}
	return hex.EncodeToString(back), nil
}

func fileSum(ctx context.Context, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, contextReader{ctx, f})
	return hash.Sum(nil), err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
