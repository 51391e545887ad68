package render

import (
	"crypto/sha256"
	"encoding/hex"
)

// shipped are the SHA-256 sums of logrotate's files as the container manager
// brings them along: these need no check at a start, and a child image's blocks
// win over theirs. A test says what the sums of changed files are.
var shipped = map[string]string{
	"logrotate-backup.conf":     "b9f64a28438207f621378ac443321e3a242372aaecfe5edc5d9cecdd68470baf",
	"logrotate-crond.conf":      "ca76728f8c1f43a51f33a2984e02da984f8298046c62d13021c7eb672dd37a9d",
	"logrotate-global.conf":     "208bce637d395b5f5e49e8e7dd2a546f11a74cb60d38552b5c06fbf3b5f774b4",
	"logrotate-supervisor.conf": "099a2dcf0a20a7dd816558936b8cee0ad55f48730f88183e3ba63e0f360fc718",
}

func isShipped(name string, data []byte) bool {
	want, ours := shipped[name]
	if !ours {
		return false
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == want
}
