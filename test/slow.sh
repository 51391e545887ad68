#!/bin/sh
# slow.sh COMMAND [ARGUMENT...]
#
# Runs a command, as root, with half a CPU: in a cgroup of its own with a quota, or
# where there can be none on one core that a busy loop has as well.
set -u

group=container-manager-slow-$$
loop=''

# v2 wants the controller to be handed down; v1 has a tree for it.
limit_v2() {
	root=/sys/fs/cgroup
	[ -e $root/cgroup.controllers ] || return 1
	grep -qw cpu $root/cgroup.subtree_control || echo +cpu >$root/cgroup.subtree_control || return 1
	mkdir $root/$group && echo '50000 100000' >$root/$group/cpu.max && echo $$ >$root/$group/cgroup.procs
}

limit_v1() {
	root=/sys/fs/cgroup/cpu
	[ -e $root/cpu.cfs_quota_us ] || return 1
	mkdir $root/$group && echo 100000 >$root/$group/cpu.cfs_period_us &&
		echo 50000 >$root/$group/cpu.cfs_quota_us && echo $$ >$root/$group/cgroup.procs
}

share_core() {
	core=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
	taskset -cp "$core" $$ >/dev/null || return 1
	(while :; do :; done) &
	loop=$!
}

clean_up() {
	[ -z "$loop" ] || kill "$loop" 2>/dev/null
	[ -z "$root" ] || { echo $$ >"$(dirname "$root/$group")/cgroup.procs" && rmdir "$root/$group"; }
}

root=''
if limit_v2 2>/dev/null || limit_v1 2>/dev/null; then
	echo "slow: half a CPU, by the cgroup $root/$group"
else
	rmdir "$root/$group" 2>/dev/null
	root=''
	share_core || {
		echo 'slow: neither a cgroup nor taskset can slow this machine down' >&2
		exit 1
	}
	echo "slow: half of core $core, beside a busy loop"
fi

"$@" &
command=$!
trap 'kill "$command"' INT TERM
wait "$command"
status=$?
clean_up
exit "$status"
