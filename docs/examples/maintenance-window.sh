#!/usr/bin/env bash
# Runs the maintenance window: moves a cluster's metadata from the replicated store to an external one, or
# with --back from there to the replicated store.
#
#   maintenance-window.sh [-y] NODES_FILE                      to the external store
#   maintenance-window.sh [-y] --back NODES_FILE               back to the replicated store
#   maintenance-window.sh [-y] --put-back FOLDER NODES_FILE    put the cluster back, after a window that ended with 4
#
# NODES_FILE has your settings and the four functions that stop and start your nodes: copy nodes-systemd.sh,
# nodes-compose.sh or nodes-kubernetes.sh, and adapt the copy. Paths in it are relative to the folder in which
# this script is started. The log and the documents of each window go to a new folder in `windows`.
#
# If a step fails, or a signal comes, before the first node is started on the new store, the script takes back
# what was written to the external store, puts the cluster back as it was, and says so. That point is recorded
# in the folder before it is passed. After it the script stops, and says what to do.
#
# Exit codes: 0 done; 1 failed, no node was touched; 2 wrong usage or settings; 3 failed, the cluster was put
# back as it was; 4 failed, and the cluster needs you.
#
# It needs bash 4.4, GNU coreutils, flock (util-linux) and this project's restatectl.
set -uo pipefail

# The settings, with their defaults. NODES_FILE sets them.
target=            # the TOML file of the external store
before=            # the TOML file of the replicated store; only --back needs it
ignore_nodes=()    # nodes that are permanently removed, such as (N3)
migrate_options=() # more options of migrate, such as (--force) where the target holds an old copy
wait_timeout=5m    # the limit of each wait for the cluster
step_limit=600     # the limit of each function and of each other command, in seconds
resume_attempts=2  # how often an interrupted migrate is resumed
windows=windows    # the folder in which each window gets one of its own
restatectl=restatectl

direction=there confirmed=no folder=
child=             # the process that runs now
caught=            # the first signal
interrupted=no     # yes if a signal ended a wait
putting_back=no
left_over=         # yes if something may be left in the target

# --- Output, commands, signals ----------------------------------------------------------------------------

say() {
    printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"
}

# Ends the script with this code, after a moment in which its last line is shown.
finish() {
    sleep 0.3
    exit "$1"
}

end_with_usage() {
    printf 'maintenance-window.sh: %s\n' "$*" >&2
    finish 2
}

# A signal counts as a failure, and ends what runs now. While the cluster is put back it ends nothing.
on_signal() {
    interrupted=yes
    if [ "$putting_back" = yes ]; then
        say "SIG$1: the cluster is being put back, and this goes on. Only SIGKILL ends this script now."
        return
    fi
    caught=${caught:-$1}
    say "SIG$1: the window is given up"
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}

# Runs a command until its end or its limit, and returns its exit code; after a signal it fails in any case.
# `timeout` gives the command a process group of its own, so that Ctrl-C reaches this script only.
run() {
    local code
    was_stopped && return 1
    timeout --kill-after=30 "$step_limit" "$@" </dev/null 9>&- &
    child=$!
    while true; do
        interrupted=no
        wait "$child"
        code=$?
        # A signal ends the wait, not the command.
        [ "$interrupted" = yes ] || break
    done
    child=
    [ "$code" != 124 ] || say "stopped after $step_limit s: $*"
    was_stopped && return 1
    return "$code"
}

was_stopped() {
    [ -n "$caught" ] && [ "$putting_back" = no ]
}

# Calls one of the four functions, in a shell that ends at its first error.
call() {
    say "$1"
    # shellcheck disable=SC2016 # the inner shell has these arguments
    run bash -euo pipefail -c '. "$1"; "$2"' bash "$nodes_file" "$1"
}

tool() {
    local code=0
    say "$restatectl $*"
    run "$restatectl" "$@" || code=$?
    [ "$code" = 0 ] || was_stopped || say "exit code $code"
    return "$code"
}

# --- The steps --------------------------------------------------------------------------------------------

wait_until() {
    tool wait --timeout "$wait_timeout" "${ignored[@]}" --for "$@"
}

# Stops every node. The addresses come from a backup file, since nobody can be asked once the nodes are gone.
stop_all() {
    call stop_nodes && wait_until stopped --from "$folder/nodes.jsonl"
}

# Migrates, and resumes a run that was interrupted after its first write.
migrate() {
    local attempt code=0
    local words=(metadata migrate "$@" -y --backup-dir "$folder" --report "$folder/migrate.json"
        --backup "$folder/source.jsonl")
    tool "${words[@]}" || code=$?
    for ((attempt = 1; code == 7 && attempt <= resume_attempts; attempt++)); do
        say "resuming, attempt $attempt of $resume_attempts"
        run sleep 5
        code=0
        tool "${words[@]}" --resume || code=$?
    done
    return "$code"
}

# Records that the next step starts nodes on the new store: from there on, the old one is out of date.
pass_point_of_no_return() {
    ! was_stopped && date -u >"$folder/point-of-no-return" && sync "$folder/point-of-no-return" "$folder"
}

prepare_there() {
    tool status "${ignored[@]}" &&
        tool metadata backup --to "$folder/nodes.jsonl" &&
        tool metadata migrate --toml "$target" --dry-run --store-probe "${ignored[@]}" "${migrate_options[@]}" \
            --backup-dir "$folder" --report "$folder/dry-run.json"
}

move_there() {
    stop_all &&
        call start_nodes_in_migration_mode &&
        wait_until migration-mode &&
        migrate --toml "$target" "${ignored[@]}" "${migrate_options[@]}" &&
        tool metadata verify --toml "$target" --report "$folder/verify.json" &&
        stop_all
}

start_there() {
    call start_nodes_on_target &&
        wait_until running --on "$target" &&
        tool metadata verify --from "$folder/source.jsonl" --toml "$target" --allow-newer \
            --report "$folder/verify-after.json"
}

# The nodes do not run on the replicated store yet, so that no dry run is possible.
prepare_back() {
    tool status --on "$target" && tool metadata backup --from "$target" --to "$folder/nodes.jsonl"
}

move_back() {
    stop_all &&
        call start_nodes_in_migration_mode &&
        wait_until migration-mode &&
        migrate --from "$target" --toml "$before" --force &&
        stop_all
}

start_back() {
    call start_nodes_as_before &&
        wait_until running &&
        tool metadata verify --from "$folder/source.jsonl" --toml "$before" --allow-newer \
            --report "$folder/verify-after.json"
}

# --- If a step fails --------------------------------------------------------------------------------------

# Takes back what migrate wrote to the external store. The replicated store is left as it is: the next attempt
# replaces it.
take_back() {
    [ "$direction" = there ] && [ -e "$folder/migrate.json" ] || return 0
    tool metadata undo --report "$folder/migrate.json" --toml "$target" --backup-dir "$folder" -y && return
    left_over=yes
    say "WARNING: what migrate wrote may still be in the target. Start no node on it. Take it back later:"
    say "  $restatectl metadata undo --report $folder/migrate.json --toml $target --backup-dir $folder"
}

# Puts the cluster back as it was. It goes on where a node does not stop: the others are needed.
put_back() {
    local start=start_nodes_as_before condition=(running)
    [ "$direction" = there ] || { start=start_nodes_on_target condition=(running --on "$target"); }
    putting_back=yes
    stop_all || { left_over=yes && say "WARNING: not every node has stopped"; }
    take_back
    if call "$start" && wait_until "${condition[@]}"; then
        say "FAILED: the cluster was put back as it was, and runs.${left_over:+ Mind the WARNING above.}"
        say "Log and documents: $folder"
        finish 3
    fi
    say "FAILED, AND THE CLUSTER NEEDS YOU: it was put back as it was, and does not run yet. It must run on the"
    say "$([ "$direction" = there ] && echo "old store" || echo "store of $target"). See which node is missing and why (its log), then run"
    say "  $0 --put-back $folder $nodes_file"
    finish 4
}

end_after_point_of_no_return() {
    local new=$target old="the old store" on=" --on $target"
    [ "$direction" = there ] || { new=$before old="the store of $target" on=; }
    say "FAILED, AND THE CLUSTER NEEDS YOU: nodes have been started on the store of $new."
    say "Do not start any node on $old: its metadata is out of date, and partitions would break."
    say "1. See which node or partition is missing, and why (log of that node): $restatectl status$on"
    say "2. Start what is missing on the store of $new."
    say "3. Wait until it runs: $restatectl wait --for running$on"
    [ "$direction" = back ] || say "To go back instead: $0 --back $nodes_file"
    say "Log and documents: $folder"
    finish 4
}

# --- The window -------------------------------------------------------------------------------------------

confirm() {
    say "The window is about to begin: every node is stopped, and the cluster is down until the end."
    [ "$confirmed" = no ] || return 0
    local answer="" code=129
    printf 'Type yes to begin: '
    # In short waits, so that a signal ends it.
    while [ "$code" -gt 128 ] && ! was_stopped; do
        read -r -t 1 answer
        code=$?
    done
    [ "$answer" = yes ]
}

run_window() {
    if ! "prepare_$direction" || ! confirm || was_stopped; then
        say "FAILED: no node was touched. Log and documents: $folder"
        finish 1
    fi
    local start=$SECONDS
    if ! "move_$direction" || ! pass_point_of_no_return; then put_back; fi
    "start_$direction" || end_after_point_of_no_return
    say "DONE. The cluster was down for at most $((SECONDS - start)) s. Log and documents: $folder"
    finish 0
}

read_arguments() {
    while [ $# -gt 1 ]; do
        case $1 in
            -y | --yes) confirmed=yes ;;
            --back) direction=back ;;
            --put-back) folder=$2 && shift ;;
            *) end_with_usage "unknown argument $1" ;;
        esac
        shift
    done
    case ${1:-} in '' | -*) end_with_usage "usage: maintenance-window.sh [-y] [--back | --put-back FOLDER] NODES_FILE" ;; esac
    [ -r "$1" ] || end_with_usage "$1 cannot be read"
    nodes_file=$(realpath -- "$1")
}

read_settings() {
    local name
    # shellcheck source=/dev/null
    . "$nodes_file" || end_with_usage "$nodes_file ended with an error"
    for name in stop_nodes start_nodes_in_migration_mode start_nodes_on_target start_nodes_as_before; do
        declare -F "$name" >/dev/null || end_with_usage "$nodes_file has no function $name"
    done
    [ -r "$target" ] || end_with_usage "$nodes_file: target=$target cannot be read"
    [ "$direction" = there ] || [ -r "$before" ] || end_with_usage "$nodes_file: before=$before cannot be read"
    "$restatectl" wait --help >/dev/null 2>&1 || end_with_usage "$restatectl is not this project's restatectl"
    ignored=("${ignore_nodes[@]/#/--ignore-node=}")
}

make_folder() {
    mkdir -p "$windows" || return
    for _ in 1 2 3; do
        folder=$windows/$(date -u +%Y%m%dT%H%M%SZ)-$direction
        mkdir "$folder" 2>/dev/null && return
        # Another window has begun within the same second.
        sleep 1
    done
    return 1
}

# Makes or finds the folder of the window. Two windows at once are refused.
open_folder() {
    umask 077
    exec 9<"$nodes_file"
    flock --nonblock 9 || end_with_usage "another window with $nodes_file is running"
    if [ -z "$folder" ]; then
        make_folder || end_with_usage "no folder can be made in $windows"
        echo "$direction" >"$folder/direction"
    else
        direction=$(cat "$folder/direction") || end_with_usage "$folder is not the folder of a window"
    fi
}

# Begins the log. What is shown is read from it by another process: a terminal that is stopped, or a connection
# that hangs, must not hold up the window.
begin_log() {
    local log=$folder/window.log size
    : >>"$log" || end_with_usage "$log cannot be written"
    size=$(stat -c %s "$log")
    (trap '' INT TERM HUP && exec tail -c "+$((size + 1))" -s 0.1 -f --pid=$$ "$log") 9>&- &
    exec >>"$log" 2>&1
}

read_arguments "$@"
continued=$folder
read_settings
trap 'on_signal INT' INT
trap 'on_signal TERM' TERM
trap 'on_signal HUP' HUP
open_folder
begin_log
if [ -z "$continued" ]; then run_window; fi
if [ -e "$folder/point-of-no-return" ]; then end_after_point_of_no_return; fi
put_back
