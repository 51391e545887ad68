#!/bin/sh
# cron.sh compares container-manager cron with supercronic on this machine:
#
#   parse    milliseconds to check a crontab of 10,000 entries, the best of 5
#            (container-manager also computes the next three times of each)
#   peak     resident memory in KiB at most while doing that
#   idle     resident memory (PSS) in KiB with 10 entries of which none is due
#   cpu      milliseconds of processor time in $IDLE seconds (60) of that
#   start    milliseconds from the second in which 200 jobs are due until the
#            last one has started, the best and the worst of $ROUNDS minutes (3)
#
# Usage: cron.sh [CONTAINER_MANAGER [SUPERCRONIC]]
set -eu
cd "$(dirname "$0")/../.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ours=${1:-$dir/container-manager}
theirs=${2:-$dir/supercronic}
[ $# -ge 1 ] || CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$ours" ./cmd/container-manager
[ $# -ge 2 ] || GOBIN=$dir go install github.com/aptible/supercronic@v0.2.48

# An environment without what a container has saved.
export IMAGE_RUN_DIR="$dir/run" IMAGE_CRON_DIR="$dir/none" TZ=UTC

awk 'BEGIN { for (i = 0; i < 10000; i++)
	printf "%d %d-23/2 %d,%d * MON-FRI /usr/local/bin/job --number %d >>/var/log/job.log 2>&1\n",
		i % 60, int(i / 60) % 12, 1 + int(i / 720) % 14, 15 + int(i / 720) % 14, i }' >"$dir/many"
awk 'BEGIN { for (i = 0; i < 10; i++) printf "%d 0 29 2 * /usr/local/bin/job --number %d\n", i, i }' >"$dir/ten"

# Both become the program, so that its number is that of the subshell.
check() { # check NAME FILE
	case $1 in
	container-manager) exec "$ours" cron --test "$2" ;;
	supercronic) exec "$theirs" -test "$2" ;;
	esac >/dev/null 2>&1
}

daemon() { # daemon NAME FILE
	case $1 in
	container-manager) exec "$ours" cron --crontab "$2" --console ;;
	supercronic) exec "$theirs" "$2" ;;
	esac >/dev/null 2>&1
}

end() { # end PID...
	kill "$@"
	wait "$@" || : # one ends with the signal's status
}

now() { date +%s%N; }

parse() { # parse NAME: milliseconds
	best=
	for _ in 1 2 3 4 5; do
		begin=$(now)
		(check "$1" "$dir/many")
		took=$((($(now) - begin) / 10000))
		[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
	done
	echo "$best" | awk '{ printf "%.1f", $1 / 100 }'
}

peak() { # peak NAME: KiB
	check "$1" "$dir/many" &
	pid=$! most=0
	while size=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$size" ]; do
		[ "$size" -le "$most" ] || most=$size
	done
	wait "$pid"
	echo "$most"
}

# last START writes by how many milliseconds after START the last of the jobs in
# $dir/started began.
last() {
	find "$dir/started" -type f -printf '%T@\n' | awk -v start="$1" '
		$1 - start > most { most = $1 - start } END { printf "%.0f\n", most * 1000 }'
}

start() { # start NAME: milliseconds of each round
	awk -v dir="$dir/started" 'BEGIN { for (i = 0; i < 200; i++) printf "* * * * * : >%s/%d\n", dir, i }' >"$dir/due"
	daemon "$1" "$dir/due" &
	pid=$!
	for _ in $(seq "${ROUNDS:-3}"); do
		rm -rf "$dir/started" && mkdir "$dir/started"
		minute=$((($(date +%s) / 60 + 1) * 60))
		until [ "$(find "$dir/started" -type f | wc -l)" -eq 200 ]; do sleep 1; done
		last "$minute"
	done
	end "$pid"
}

idle() { # idle: KiB and milliseconds of both, who sleep at the same time
	daemon container-manager "$dir/ten" &
	one=$!
	daemon supercronic "$dir/ten" &
	two=$!
	sleep 5
	before="$(ticks $one) $(ticks $two)"
	sleep "${IDLE:-60}"
	echo "$before $(ticks $one) $(ticks $two) $(pss $one) $(pss $two)" |
		awk '{ print $5, ($3 - $1) * 10, $6, ($4 - $2) * 10 }'
	end $one $two
}

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }

row() { # row NAME IDLE CPU
	printf '%-18s %8s %8s %8s %8s %9s\n' "$1" "$(parse "$1")" "$(peak "$1")" "$2" "$3" \
		"$(start "$1" | sort -n | awk 'NR == 1 { best = $1 } { worst = $1 } END { print best "-" worst }')"
}

# shellcheck disable=SC2046 # two numbers each
set -- $(idle)
printf '%-18s %8s %8s %8s %8s %9s\n' '' 'parse ms' 'peak KiB' 'idle KiB' 'cpu ms' 'start ms'
row container-manager "$1" "$2"
row supercronic "$3" "$4"
