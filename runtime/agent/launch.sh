#!/bin/sh
# Starts one task and outlives it (spec/stack.md §5). Runs under dash, bash and busybox sh, from el6 to today.
#
#   launch.sh RUN_DIR ATTEMPT SANDBOX SHELL SWITCH UID GID N JOIN_PATH*N COMMAND [ARGUMENT...]
#
#   RUN_DIR    folder of the agent's own; written here: `claim.ATTEMPT`, `progress` (by fd 6) and at the end `status`
#   ATTEMPT    1, or more when an agent that came back has called earlier attempts off
#   SANDBOX    working directory of the task
#   SHELL      the sh that runs this file, for the second stage
#   SWITCH     how to become the user: path of a setpriv or chroot that works (found out by the agent), or none
#   UID GID    the task's user; supplementary groups are dropped
#   N          how many JOIN_PATHs follow: `tasks` files of cgroups, into which the task writes itself
#   fd 3, 4    the task's stdout and stderr, already open for appending
#   fd 5       shell text with the task's environment (launcher/Environment.ts): exports, `keep`, and the function
#              `with_odd_names`; not in argv, because everybody can read that
#   fd 6       `progress`, open for appending
#   fd 1, 2    the launcher's own log
#
# claim.ATTEMPT comes first: a link to `PID START_TICKS` of this launcher, made in one instruction of the kernel. An agent
# that was restarted and finds none makes it itself, to `agent`, and then knows that nothing of this attempt will ever run.
# Whoever comes second gives up; so a task is started once, at whatever instruction the agent died.
# progress grows by one line per step: `joined PID START_TICKS`, `user`, `notfound`, `exec`. The last line says how
# far the task came, so that exit code 125, 126 or 127 of a task is not mistaken for one of ours.
# status is one line, `CODE`, 000 to 255, where sh turns a death by signal N into 128 + N; written by rename. Its place on
# the disk is taken before the task starts: a task whose output fills the disk must not lose its exit code by that.
# The caller gives an environment of its own (PATH, LC_ALL), starts this in a new session, and cwd /.

# This shell stays outside the task's cgroups, so that freezing and killing those does not end it, and ignores what
# people send to whole sessions: without it the exit code is lost.
trap '' HUP INT QUIT TERM USR1 USR2

run_dir=$1 attempt=$2 sandbox=$3 shell=$4 switch=$5 uid=$6 gid=$7 joins=$8
shift 8

# From /proc/self/stat, which is whoever opens it: $$ is the outer shell even in the inner one. The name in it may hold
# spaces and parentheses, so fields count from its end.
read_identity() {
  read -r stat </proc/self/stat || exit 125
  pid=${stat%% *}
  set -- ${stat##*) }
  shift 19
  ticks=$1
}
read_identity
ln -s "$pid $ticks" "$run_dir/claim.$attempt" 2>/dev/null || exit 0

echo 125 >"$run_dir/status.new" || exit 125

# Second stage, in the place of the task and already as its user: its text travels as an argument, because the user
# may not be able to read this file. $1 is the sandbox, the rest the command.
as_user='
echo user >&6
# chroot leaves us in /, and a parent of the sandbox may be closed to the user; the descriptor is not.
cd "$1" 2>/dev/null || cd /proc/self/fd/7 || exit 125
shift
env=$(command -v env)
unset PATH LC_ALL
eval "$(/bin/cat <&5)" || exit 125
case $1 in
*/*) [ -e "$1" ] && [ ! -d "$1" ] ;;
*) PATH=${PATH-/bin:/usr/bin} command -v -- "$1" ;;
esac >/dev/null 2>&1 || {
  echo "$1: command not found" >&2
  echo notfound >&6
  exit 127
}
echo exec >&6
# A shell adds these by itself; the task gets them only when they were asked for.
drop=
for name in _ SHLVL PWD OLDPWD; do
  case " $keep " in *" $name "*) ;; *) drop="$drop -u $name" ;; esac
done
unset keep
exec 5<&- 6>&- 7<&-
# env would take a command with "=" for a variable.
case $1 in *=*) exec "$@" ;; esac
with_odd_names "$env" $drop "$@"
'

(
  trap - HUP INT QUIT TERM USR1 USR2
  read_identity
  while [ "$joins" -gt 0 ]; do
    echo 0 >"$1" || exit 125
    # A write that the kernel did not take would leave the task without its limits.
    while read -r member && [ "$member" != "$pid" ]; do :; done <"$1"
    [ "$member" = "$pid" ] || { echo "$1 does not list $pid after joining" && exit 125; }
    joins=$((joins - 1))
    shift
  done
  ulimit -c 0
  # When the whole host runs out of memory, borrowed work goes first.
  echo 1000 2>/dev/null >/proc/self/oom_score_adj
  cd "$sandbox" || exit 125
  echo "joined $pid $ticks" >&6
  exec >&3 2>&4 3>&- 4>&- 7<. </dev/null
  case $switch in
  */setpriv)
    exec "$switch" --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs -- "$shell" -c "$as_user" "$shell" "$sandbox" "$@"
    ;;
  */chroot)
    # One supplementary group, the task's own: old versions keep root's when given none and refuse an empty list.
    exec "$switch" --userspec="$uid:$gid" --groups="$gid" / "$shell" -c "$as_user" "$shell" "$sandbox" "$@"
    ;;
  none)
    exec "$shell" -c "$as_user" "$shell" "$sandbox" "$@"
    ;;
  esac
  exit 125
)
code=$?

# dd is the one old tool that can fsync a single file; sync FILE would flush the whole host on el6. Written over the
# place that was taken for it, which needs no room.
while [ ${#code} -lt 3 ]; do code=0$code; done
echo "$code" | dd of="$run_dir/status.new" conv=notrunc,fsync 2>/dev/null || echo "$code" >"$run_dir/status.new"
mv -f "$run_dir/status.new" "$run_dir/status"
