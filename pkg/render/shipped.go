package render

import (
	"crypto/sha256"
	"encoding/hex"
)

// shipped are the SHA-256 sums of logrotate's files as the container manager
// brings them along: these need no check at a start, and a child image's blocks
// win over theirs. A test says what the sums of changed files are.
var shipped = map[string]string{
	"logrotate-backup.conf":     "c1cefbd0237fcd61908c0cf7055f157a15f718c889fb5d7cd4ddecd57ade006e",
	"logrotate-crond.conf":      "c4fe08e8746f81a92184abb7f90612133b2807a6ccaedccb4b530c0316e1bc98",
	"logrotate-global.conf":     "6d9540b181c728d2121ddc17d7bae8a0b8bd910f15e4322d8bfeb315d82859d7",
	"logrotate-supervisor.conf": "5abde74d347d8d0c85207876a70b7cade3f4fa406b1153c672fafc9a14bbbb23",
}

func isShipped(name string, data []byte) bool {
	want, ours := shipped[name]
	if !ours {
		return false
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == want
}
