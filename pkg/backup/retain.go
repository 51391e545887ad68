package backup

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/ZPascal/container-manager/pkg/retention"
)

// expire deletes the archives that the retention does not keep, and returns how
// many things went wrong. Only names that tell a time are ours, only archives
// that are whole count, and the one that was just made always stays.
func (r Runner) expire(ctx context.Context, made string, incomplete bool) (problems int) {
	policy := r.Config.BackupRetention
	if policy.All() {
		return 0
	}
	if incomplete {
		r.Log.Warn().Msg("no old archive is deleted, because the new one lacks files that could not be read")
		return 0
	}
	archives, err := Archives(r.Config.BackupDir)
	if err != nil {
		r.Log.Error().Msg(err.Error())
		return 1
	}
	now := time.Now()
	archives = slices.DeleteFunc(archives, func(a Archive) bool {
		if a.Name == made {
			return false
		}
		r.warnFuture(a, "it is neither counted nor deleted: rename it or remove it by hand")
		return a.fromFuture(now)
	})
	idx := r.readIndex()
	keep, expired := expired(policy, archives, func(a Archive) bool {
		_, known := idx.get(a) // then it was read before
		return known || a.Name == made || r.counts(ctx, a)
	})
	r.Log.Info().Msgf("%s: %d of %d archives", policy, len(keep), len(keep)+len(expired))
	for _, a := range expired {
		if a.Name == made || ctx.Err() != nil {
			continue
		}
		if err := os.Remove(a.Path); err != nil {
			r.Log.Error().Msgf("cannot delete an old archive: %v", err)
			problems++
			continue
		}
		r.Log.Info().Msgf("deleted %s", a.Path)
	}
	return problems
}

// counts reads an archive and reports whether it is whole.
func (r Runner) counts(ctx context.Context, a Archive) bool {
	_, err := r.Verify(ctx, a.Path)
	switch {
	case err == nil:
		return true
	case errors.Is(err, errNoKey):
		r.Log.Warn().Msgf("%v; it is neither counted nor deleted", err)
	case ctx.Err() == nil:
		r.Log.Warn().Msgf("%v; it is neither counted nor deleted: remove it by hand", err)
	}
	return false
}

// expired returns the archives that a policy keeps and those that it does not. Only
// archives that count take part. counts may read an archive, so it is called only for
// those that would stay: the others are deleted anyway.
func expired(policy retention.Policy, archives []Archive, counts func(Archive) bool) (keep, expire []Archive) {
	byName := map[string]Archive{}
	var items []retention.Item
	for _, a := range archives {
		if !a.Time.IsZero() {
			byName[a.Name] = a
			items = append(items, retention.Item{Name: a.Name, Time: a.Time})
		}
	}
	asked := map[string]bool{}
	for {
		decisions := policy.Decide(items)
		bad := ""
		for _, d := range decisions {
			if d.Keep() && !asked[d.Name] {
				asked[d.Name] = true
				if !counts(byName[d.Name]) {
					bad = d.Name
					break
				}
			}
		}
		if bad == "" {
			for _, d := range decisions {
				if d.Keep() {
					keep = append(keep, byName[d.Name])
				} else {
					expire = append(expire, byName[d.Name])
				}
			}
			return keep, expire
		}
		items = without(items, bad)
	}
}

func without(items []retention.Item, name string) []retention.Item {
	var rest []retention.Item
	for _, item := range items {
		if item.Name != name {
			rest = append(rest, item)
		}
	}
	return rest
}
