package backup

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/test/testenv"
)

// encrypted makes a volume that encrypts to a new key. The secret key is not
// where a restore looks for it yet.
func encrypted(t *testing.T) (v *volume, secret string) {
	t.Helper()
	v = withPaths(t)
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	v.Config.AgeRecipients = identity.Recipient().String()
	return v, identity.String()
}

func TestEncryptedToAKey(t *testing.T) {
	v, secret := encrypted(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	if !strings.HasSuffix(made.Archive, ".tar.gz.age") {
		t.Errorf("the archive is called %s", made.Archive)
	}
	if data := read(t, made.Archive); !strings.HasPrefix(data, cryptMagic) {
		t.Errorf("it begins with %.30q", data)
	}
	v.noLeftovers()

	// Without the key: it can be listed and verified, but not restored.
	list, err := v.List(t.Context())
	must(t, err)
	if len(list) != 1 || !list[0].Encrypted || list[0].Files == nil || *list[0].Files != 3 || list[0].Problem != "" {
		t.Errorf("list %+v", list)
	}
	_, err = v.Verify(t.Context(), made.Archive)
	must(t, err)
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "is encrypted, and no key fits: put the secret key into "+v.Config.AgeIdentities)
	if errors.Is(err, archive.ErrInvalid) {
		t.Error("an older archive would be taken in its place")
	}

	write(t, v.Config.AgeIdentities, "# a comment\n"+secret+"\n")
	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "new rows")
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	if got := read(t, filepath.Join(v.Config.DataDir, "db", "table")); got != "old rows" {
		t.Errorf("the table has %s", got)
	}
	if strings.Contains(v.log.String(), secret) {
		t.Error("the secret key is in the log")
	}
}

func TestEncryptedWithAPassphrase(t *testing.T) {
	testenv.NotQuick(t)
	v := withPaths(t)
	v.Config.AgePassphrase = filepath.Join(v.Config.RunDir, "passphrase")
	write(t, v.Config.AgePassphrase, "correct horse\n")
	made, err := v.Backup(t.Context())
	must(t, err)
	_, err = v.Restore(t.Context(), filepath.Base(made.Archive))
	must(t, err)
	write(t, v.Config.AgePassphrase, "wrong horse\n")
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "is encrypted, and no key fits: neither those of IMAGE_BACKUP_AGE_IDENTITY_FILE=")
	if strings.Contains(v.log.String(), "horse") {
		t.Error("the passphrase is in the log")
	}
}

// TestEncryptedThatIsBroken turns a bit in the head and one in the content.
func TestEncryptedThatIsBroken(t *testing.T) {
	for _, at := range []int{60, -100} {
		v, secret := encrypted(t)
		made, err := v.Backup(t.Context())
		must(t, err)
		data := []byte(read(t, made.Archive))
		data[(at+len(data))%len(data)] ^= 1
		must(t, os.WriteFile(made.Archive, data, 0o600))
		_, err = v.Verify(t.Context(), made.Archive) // without a key, by its sum
		if !errors.Is(err, archive.ErrInvalid) && !errors.Is(err, errNoKey) {
			t.Errorf("byte %d, without the key: %v", at, err)
		}
		write(t, v.Config.AgeIdentities, secret+"\n")
		before := v.state()
		_, err = v.Restore(t.Context(), made.Archive)
		if err == nil || v.state() != before {
			t.Errorf("byte %d: restored, %v", at, err)
		}
		v.noLeftovers()
	}
}

// TestRetentionWithoutTheKey counts encrypted archives by the sums they had when
// they were made.
func TestRetentionWithoutTheKey(t *testing.T) {
	v, _ := encrypted(t)
	v.Config.BackupRetention.Newest = 2
	for range 4 {
		_, err := v.Backup(t.Context())
		must(t, err)
	}
	if got := names(t, v.Config.BackupDir); len(got) != 2 {
		t.Errorf("there is %q", got)
	}
}

func TestBadKeys(t *testing.T) {
	v := withPaths(t)
	v.Config.AgeRecipients = "age1nonsense"
	_, err := v.Backup(t.Context())
	wantError(t, err, "IMAGE_BACKUP_AGE_RECIPIENTS holds something that is no public key of age")
	if _, ok := errors.AsType[*config.Error](err); !ok {
		t.Errorf("%T", err)
	}
	v.Config.AgePassphrase = "/nonexistent"
	_, err = v.Backup(t.Context())
	wantError(t, err, "IMAGE_BACKUP_AGE_RECIPIENTS and IMAGE_BACKUP_AGE_PASSPHRASE_FILE are both set: unset one")
	v.Config.AgeRecipients = ""
	_, err = v.Backup(t.Context())
	wantError(t, err, `IMAGE_BACKUP_AGE_PASSPHRASE_FILE="/nonexistent": open /nonexistent: no such file`)
	v.Config.AgePassphrase = filepath.Join(v.Config.RunDir, "passphrase")
	write(t, v.Config.AgePassphrase, "\n")
	_, err = v.Backup(t.Context())
	wantError(t, err, "the file is empty")

	v, _ = encrypted(t)
	_, err = v.Backup(t.Context())
	must(t, err)
	write(t, v.Config.AgeIdentities, "AGE-SECRET-KEY-NONSENSE\n")
	_, err = v.Restore(t.Context(), Latest)
	wantError(t, err, "holds something that is no secret key of age")
	if strings.Contains(err.Error(), "NONSENSE") {
		t.Error("the error quotes the key")
	}
}

// TestCommandLineDecrypts is what an operator does by hand: age -d | tar xz.
func TestCommandLineDecrypts(t *testing.T) {
	v, secret := encrypted(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	identity, err := age.ParseX25519Identity(secret)
	must(t, err)
	plain, err := age.Decrypt(strings.NewReader(read(t, made.Archive)), identity)
	must(t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(plain)
	must(t, err)
	path := filepath.Join(t.TempDir(), "plain.tar.gz")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	_, err = v.Verify(t.Context(), path)
	must(t, err)
}
