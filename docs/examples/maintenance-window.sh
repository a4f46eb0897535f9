#!/usr/bin/env bash
# Runs the maintenance window: moves a cluster's metadata from the replicated store to an external one, or
# with --back from there to the replicated store.
#
#   maintenance-window.sh [-y] NODES_FILE                      to the external store
#   maintenance-window.sh [-y] --back NODES_FILE               back to the replicated store
#   maintenance-window.sh [-y] --put-back FOLDER NODES_FILE    put the cluster back, after a window that was killed
#
# NODES_FILE has your settings, the four functions that stop and start your nodes, and check_nodes, which may be
# missing: copy nodes-systemd.sh, nodes-compose.sh or nodes-kubernetes.sh, and adapt the copy. Paths in it are relative to the folder in which
# this script is started. The log and the documents of each window go to a new folder in `windows`.
#
# If a step fails, or a signal comes, before the first node is started on the new store, the script takes back
# what was written to the external store, puts the cluster back as it was, and says so. That point is recorded
# in the folder before it is passed. After it the script stops, and says what to do.
#
# Exit codes: 0 done; 1 failed, no node was touched; 2 wrong usage or settings; 3 the window failed, and the
# cluster was put back as it was; 4 failed, and the cluster needs you.
#
# One window at a time: windows that are started in different folders, or on different machines, do not see each
# other. It needs bash 4.4, GNU coreutils, procps, flock (util-linux) and this project's restatectl.
set -uo pipefail

# The settings, with their defaults. NODES_FILE sets them.
target=            # the TOML file of the external store
before=            # the TOML file of the replicated store
ignore_nodes=()    # nodes that are permanently removed, such as (N3)
migrate_options=() # more options of migrate, such as (--force) where the target holds an old copy
folders=()         # the folders of the metadata servers, if they can be read here: the window is shorter then
stopped_for=       # how long every port must have stayed closed before nodes are started on the new store, such as
                   # 1s; by default, one look is enough, and 1s with folders
wait_timeout=5m    # the limit of each wait for the cluster
step_limit=600     # the limit of each function and of each other command, in seconds
resume_attempts=2  # how often an interrupted migrate is resumed
windows=windows    # the folder in which each window gets one of its own
restatectl=restatectl

end_with_usage() {
    printf 'maintenance-window.sh: %s\n' "$*" >&2
    [ -n "${logger:-}" ] || exit 2
    finish 2
}

nodes_file=
for nodes_file in "$@"; do :; done
[ $# -gt 0 ] && [ -r "$nodes_file" ] ||
    end_with_usage "usage: maintenance-window.sh [-y] [--back | --put-back FOLDER] NODES_FILE"
nodes_file=$(realpath -- "$nodes_file")
# All that follows is this script's own: what has the same name in the file is replaced here.
# shellcheck source=/dev/null
. "$nodes_file" || end_with_usage "$nodes_file ended with an error"

direction=there confirmed=no
folder=            # of this window
child=             # the process that runs now
label=             # its name
caught=            # the first signal
interrupted=no     # yes if a signal ended a wait
unstoppable=       # why signals end nothing any more
left_over=         # yes if something may be left in the target
on_target=         # whether the nodes run on the target: yes; no, if one runs in its normal roles elsewhere; or anything else
                   # if it can't be told
began_on_target=   # yes if every node was seen to run on the target before a way back
cluster=           # name and fingerprint of the cluster that was read last
outdated=          # the store that must not be started on again, since the cluster has run on another one
logger=            # the process that writes the log

# --- Output, commands, signals ----------------------------------------------------------------------------

say() {
    printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"
}

# Ends the script with this code, once the log has its last line and that was shown. What a function has left
# running may hold the pipe to the log open.
finish() {
    exec >&- 2>&-
    for _ in {1..30}; do
        kill -0 "$logger" 2>/dev/null || break
        sleep 0.1
    done
    sleep 0.3
    exit "$1"
}

# Ends a window that needs no --put-back.
end_window() {
    say "Log and documents: $folder"
    date -u >"$folder/ended"
    finish "$1"
}

# A signal counts as a failure, and ends what runs now; while nodes are started, or put back, nothing.
on_signal() {
    interrupted=yes
    if [ -n "$unstoppable" ]; then
        say "SIG$1: $unstoppable, and this goes on. Only SIGKILL ends this script now."
        return
    fi
    caught=${caught:-$1}
    say "SIG$1: the window is given up"
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}

was_stopped() {
    [ -n "$caught" ] && [ -z "$unstoppable" ]
}

# Runs a command until its end or its limit, and returns its exit code; after a signal it fails in any case.
# `timeout` gives the command a process group of its own, so that Ctrl-C reaches this script only.
run() {
    local limit=$1 code
    shift
    was_stopped && return 1
    timeout --kill-after=30 "$limit" "$@" </dev/null 8>&- 9>&- &
    child=$!
    echo "$child" >"$folder/running"
    while true; do
        interrupted=no
        wait "$child"
        code=$?
        # A signal ends the wait, not the command.
        [ "$interrupted" = yes ] || break
    done
    child=
    [ "$code" != 124 ] || say "no end within $limit s: $label was given up"
    was_stopped && return 1
    return "$code"
}

# Calls one of the four functions, in a shell that ends at its first error.
call() {
    label=$1
    say "$1"
    # shellcheck disable=SC2016 # the inner shell has these arguments
    run "$step_limit" bash -euo pipefail -c '. "$1"; "$2"' bash "$nodes_file" "$1"
}

tool() {
    local code=0 limit=$step_limit
    # It has a limit of its own.
    [ "$1" != wait ] || limit=0
    label="$restatectl $1 ${2:-}"
    say "$restatectl $*"
    run "$limit" "$restatectl" "$@" || code=$?
    [ "$code" = 0 ] || was_stopped || say "exit code $code"
    return "$code"
}

# --- The steps --------------------------------------------------------------------------------------------

wait_until() {
    tool wait --timeout "$wait_timeout" "${ignored[@]}" --for "$@"
}

# Says whether the cluster runs before the window. A single look may meet a partition between two leaders.
runs_now() {
    tool wait --timeout 15s --for running "$@"
}

# Stops every node, and waits until each port has been closed for this time. The addresses come from a backup file,
# since nobody can be asked once the nodes are gone.
stop_all() {
    call stop_nodes && wait_until stopped --from "$folder/nodes.jsonl" --stable-for "$1"
}

# Restarts every node in migration mode. One look at the ports is enough: a node that stays, or that something starts
# again, is not in migration mode.
restart_in_migration_mode() {
    stop_all 0s && call start_nodes_in_migration_mode && wait_until migration-mode
}

# Migrates, and resumes a run that was interrupted after its first write.
migrate() {
    local attempt code=0
    local words=(metadata migrate "$@" -y --backup-dir "$folder" --report "$folder/migrate.json"
        --backup "$folder/source.jsonl")
    say "The next steps that it prints are what this script does."
    tool "${words[@]}" || code=$?
    for ((attempt = 1; code == 7 && attempt <= resume_attempts; attempt++)); do
        say "resuming, attempt $attempt of $resume_attempts"
        run "$step_limit" sleep 5
        code=0
        tool "${words[@]}" --resume || code=$?
    done
    return "$code"
}

# Records that the next step starts nodes on the new store: from there on, the old one is out of date. A signal
# counts until then.
pass_point_of_no_return() {
    local record=$folder/point-of-no-return
    date -u >"$record.new" && sync "$record.new" && ! was_stopped && mv "$record.new" "$record" &&
        sync "$folder" && ! was_stopped && unstoppable="nodes are being started on the new store"
}

# Tries what the functions need while the cluster still runs, if the file has a function for that.
try_functions() {
    ! declare -F check_nodes >/dev/null || call check_nodes
}

prepare_there() {
    runs_now "${ignored[@]}" &&
        runs_on_replicated_store &&
        try_functions &&
        tool metadata backup --to "$folder/nodes.jsonl" &&
        try_before &&
        tool metadata migrate --toml "$target" --dry-run --store-probe "${ignored[@]}" "${migrate_options[@]}" \
            --backup-dir "$folder" --report "$folder/dry-run.json"
}

# A cluster that has moved already must not be put back to the replicated store: what that holds is out of date.
runs_on_replicated_store() {
    local json=$folder/status.json external
    label="$restatectl status" external=
    say "$restatectl status ${ignored[*]:+${ignored[*]} }-o json"
    # It fails where a partition is between two leaders; the document is there all the same.
    run "$step_limit" "$restatectl" status "${ignored[@]}" -o json >"$json"
    external=$(sed -n 's/^ *"external": \([a-z]*\),\{0,1\}$/\1/p' "$json")
    [ "$external" != false ] || return 0
    say "The cluster does not run on the replicated store, from which this window moves it, or it can't be told: $json"
    return 1
}

# Ends once every port is closed, right before nodes are started. A node that something has started again since the
# stop is as it was started last: in migration mode, or with folders in its normal roles, so that those take a longer
# look.
move_there() {
    local closed_for=${stopped_for:-0s}
    if [ -n "$stopped_nodes" ]; then
        closed_for=${stopped_for:-1s}
        move_from_folders
    else
        move_from_cluster
    fi &&
        tool metadata verify --from "$folder/source.jsonl" --toml "$target" --report "$folder/verify.json" &&
        wait_until stopped --from "$folder/nodes.jsonl" --stable-for "$closed_for"
}

move_from_cluster() {
    restart_in_migration_mode &&
        is_current_store &&
        migrate --toml "$target" "${ignored[@]}" "${migrate_options[@]}" &&
        call stop_nodes
}

# Tells another cluster, such as that of a node started in another folder, from an older state of this one. That is no store
# on which it ran right before.
is_current_store() {
    local code=0 other report=$folder/current.json
    is_same_cluster --toml "$before" --report "$report" || code=$?
    [ "$code" = 4 ] || return "$code"
    # A key that is only there was made since.
    grep -qE '"status": "(older|missing|different)"' "$report" && read_cluster "$before" || return 1
    other=$cluster
    read_cluster "$folder/nodes.jsonl" && [ -n "$cluster" ] && [ "$other" = "$cluster" ] &&
        outdated="the replicated store"
    return 1
}

# Reads name and fingerprint of the cluster in a store; nothing, if it has no nodes_config.
read_cluster() {
    local json=$folder/cluster.json
    label="$restatectl metadata list"
    cluster=
    : >"$json"
    run "$step_limit" "$restatectl" metadata list --from "$1" -o json >"$json" 2>/dev/null || return
    cluster=$(sed -n '/^  "cluster": {/,/}/p' "$json")
}

# `migrate` looks whether a node responds, or holds its folder.
move_from_folders() {
    stop_all 0s &&
        is_same_cluster --toml "$stopped_nodes" &&
        migrate --from "$stopped_nodes" --toml "$target" "${migrate_options[@]}"
}

# It must be the same cluster as before: a node that starts in another folder is an empty one.
is_same_cluster() {
    tool metadata verify --from "$folder/nodes.jsonl" "$@" --allow-newer
}

start_there() {
    call start_nodes_on_target &&
        wait_until running --on "$target" &&
        tool metadata verify --from "$folder/source.jsonl" --toml "$target" --allow-newer \
            --report "$folder/verify-after.json"
}

prepare_back() {
    local runs=yes
    if [ "${#ignore_nodes[@]}" -gt 0 ]; then
        say "$nodes_file: the way back needs every node: remove ${ignore_nodes[*]} from the cluster, and from ignore_nodes"
        return 1
    fi
    if ! runs_now --on "$target"; then
        runs=no
        look_at_target
        if [ "$on_target" = no ]; then
            say "A node runs in its normal roles, and not on the store of $target. If that is so for the whole cluster, there is"
            say "nothing to go back from. If it is so for a part, stop those nodes first: see restatectl nodes list."
            return 1
        fi
        case $last_passed in *-there/point-of-no-return) ;; *) return 1 ;; esac
        # Long after a window that went well, a node may be missing, without which there is no way back.
        if [ -e "${last_passed%/*}/ended" ]; then tool nodes list || return 1; fi
        say "The last window has started nodes on the target, and they do not run well there: going back is the way out."
    fi
    [ "$runs" = no ] || began_on_target=yes
    try_functions && tool metadata backup --from "$target" --to "$folder/nodes.jsonl" || return
    try_before && return
    # Nodes that do not run well need not answer.
    [ "$runs" = no ] && case $(print_target_type before.json) in replicated | "") ;; *) return 1 ;; esac
}

# Finds mistakes in the file of the replicated store while the cluster still runs: it has to lead to the cluster's nodes.
# They answer from whichever store they use.
try_before() {
    is_same_cluster --toml "$before" --report "$folder/before.json" && names_replicated_store before.json
}

# Says whether the target in this report is the nodes' own store.
names_replicated_store() {
    local type
    type=$(print_target_type "$1")
    [ "$type" != replicated ] || return 0
    say "$nodes_file: before=$before has to name the replicated store; it names one of type \"$type\""
    return 1
}

print_target_type() {
    sed -n '/^  "target": {/{n;s/^ *"type": "\([a-z0-9-]*\)".*/\1/p;}' "$folder/$1" 2>/dev/null
}

move_back() {
    restart_in_migration_mode && migrate_back &&
        names_replicated_store migrate.json &&
        stop_all "${stopped_for:-0s}"
}

# Keys of the replicated store that are newer were written since the cluster moved: then it may have run there last, unless
# it was seen to run on the target.
migrate_back() {
    migrate --from "$target" --toml "$before" --force && return
    [ -n "$began_on_target" ] || ! grep -q '^    "code": "target-newer",$' "$folder/migrate.json" || outdated="the store of $target"
    return 1
}

start_back() {
    call start_nodes_as_before &&
        wait_until running &&
        tool metadata verify --from "$folder/source.jsonl" --toml "$before" --allow-newer \
            --report "$folder/verify-after.json" &&
        has_left_target
}

# The metadata can't tell by which store the nodes have read it. Only a no of the tool can: any other answer proves
# nothing, and the next look may have one.
has_left_target() {
    local attempt
    for attempt in {1..5}; do
        say "The next command must fail: the nodes must not run on the external store any more."
        look_at_target
        case $on_target in
            no) return 0 ;;
            yes) say "They do. See which configuration start_nodes_as_before starts." && return 1 ;;
        esac
        run "$step_limit" sleep 2
    done
    say "It can't be told whether they do. See above why, and which configuration start_nodes_as_before starts."
    return 1
}

# Finds out whether the nodes run on the external store: yes, no, or anything else if that can't be told. The exit code
# alone would not do: it is the same for nodes of which a partition is between two leaders.
look_at_target() {
    local json=$folder/on-target.json
    on_target=yes
    tool status --on "$target" "${ignored[@]}" && return
    : >"$json"
    run "$step_limit" "$restatectl" status --on "$target" "${ignored[@]}" -o json >"$json" 2>/dev/null
    on_target=$(sed -n 's/^ *"answer": "\([a-z-]*\)",\{0,1\}$/\1/p' "$json")
}

# --- If a step fails --------------------------------------------------------------------------------------

# Takes back what migrate wrote to the external store. The replicated store is left as it is: the next attempt
# replaces it.
take_back() {
    local code=0
    [ "$direction" = there ] && [ -e "$folder/migrate.json" ] || return 0
    tool metadata undo --report "$folder/migrate.json" --toml "$target" --backup-dir "$folder" -y || code=$?
    [ "$code" != 0 ] || return 0
    left_over=yes
    say "WARNING: what migrate wrote may still be in the target. Start no node on it. Take it back later:"
    say "  $(quote_tool metadata undo --report "$folder/migrate.json" --toml "$target" --backup-dir "$folder")"
    return "$code"
}

quote() {
    printf '%q ' "$@"
}

# Prints a command of the tool as it works in a shell that has not the variables of the nodes file.
quote_tool() {
    local words
    words=$(quote "$restatectl" "$@")
    printf '(. %q && %s)' "$nodes_file" "${words% }"
}

# Puts the cluster back as it was. It goes on where a node does not stop: the others are needed.
put_back() {
    local start=start_nodes_as_before condition=(running) old="the replicated store"
    [ "$direction" = there ] || {
        start=start_nodes_on_target condition=(running --on "$target") old="the store of $target"
    }
    unstoppable="the cluster is being put back"
    [ -z "$outdated" ] || end_in_migration_mode
    rm -f "$folder/point-of-no-return"
    stop_all 3s || { left_over=yes && say "WARNING: not every node has stopped"; }
    take_back
    if call "$start" && wait_until "${condition[@]}"; then
        local result=FAILED code=3
        [ -z "$continued" ] || result=DONE code=0
        say "$result: the cluster was put back as it was, and runs.${left_over:+ Mind the WARNING above.}"
        end_window "$code"
    fi
    say "FAILED, AND THE CLUSTER NEEDS YOU: its nodes were started as before, and it does not run yet. It must run on"
    say "$old. See above which node is missing, and in its log why. Start it there, or all again:"
    say "  $(quote "$self" --put-back "$folder" "$nodes_file")"
    finish 4
}

# Nobody but the operator knows on which store the cluster ran. In migration mode it writes nothing.
end_in_migration_mode() {
    say "FAILED, AND THE CLUSTER NEEDS YOU: $outdated holds an older state of the cluster than another store, on which it has"
    say "run since. Start no node on $outdated in its normal roles: partitions would break."
    say "The nodes were left in migration mode, in which they write nothing. Stop every node, and start all with the"
    say "configuration with which the cluster ran last before this window."
    end_window 4
}

# After a killed window the cluster may have been moved on by hand: its copy can't be taken back, or nodes run that don't say
# where.
end_undecided() {
    say "FAILED, AND THE CLUSTER NEEDS YOU: the nodes were left as they are. It can't be told whether the cluster has run on"
    say "$target or on $before since. Start every node on the one on which it ran last. Once it runs, close this window:"
    say "  $(quote touch "$folder/ended")"
    finish 4
}

# Whether the nodes were started on the store that they were to leave. Then that one is up to date, and not the new one,
# which no node has changed.
have_stayed() {
    look_at_target
    case $direction-$on_target in
        back-yes) return 0 ;;
        there-no)
            # A node that was started there would have written its nodes_config.
            read_cluster "$target" && [ -z "$cluster" ] ||
                tool metadata verify --from "$folder/source.jsonl" --toml "$target"
            ;;
        *) return 1 ;;
    esac
}

end_with_nodes_that_stayed() {
    local start=start_nodes_on_target old="the replicated store" new="the store of $target" again=("$self" "$nodes_file")
    [ "$direction" = there ] || {
        start=start_nodes_as_before old="the store of $target" new="the store of $before"
        again=("$self" --back "$nodes_file")
    }
    say "FAILED, AND THE CLUSTER NEEDS YOU: the nodes were started on $old again, and have not left it."
    say "Start no node on $new: what was copied there is out of date since."
    say "1. See that $old is the one of every node that runs, and start what is missing there."
    say "2. Correct $start in $nodes_file: see which configuration it starts."
    [ "$direction" = back ] || [ -z "$cluster" ] ||
        say "3. Take back the copy: $(quote_tool metadata undo --report "$folder/migrate.json" --toml "$target" --backup-dir "$folder")"
    say "Then begin again: $(quote "${again[@]}")"
    say "Log and documents: $folder"
    finish 4
}

end_after_point_of_no_return() {
    local new=$target old="the replicated store" on=(--on "$target")
    [ "$direction" = there ] || { new=$before old="the store of $target" on=(); }
    ! have_stayed || end_with_nodes_that_stayed
    say "FAILED, AND THE CLUSTER NEEDS YOU: nodes have been started, or were about to be, on the store of $new."
    say "Do not start any node on $old: its metadata is out of date, and partitions would break."
    say "1. See which node or partition is missing, and why (log of that node):"
    say "   $(quote_tool status "${on[@]}" "${ignored[@]}")"
    say "2. Stop each node that runs in migration mode or on $old. Start it, and what is missing,"
    say "   on the store of $new."
    say "3. Wait until it runs: $(quote_tool wait --for running "${on[@]}" "${ignored[@]}")"
    [ "$direction" = back ] || [ "${#ignore_nodes[@]}" -gt 0 ] || say "To go back instead: $(quote "$self" --back "$nodes_file")"
    say "Log and documents: $folder"
    finish 4
}

# --- The window -------------------------------------------------------------------------------------------

confirm() {
    say "$1"
    [ "$confirmed" = no ] || return 0
    [ -t 0 ] || { say "There is no terminal to ask on: -y confirms in advance." && return 1; }
    local answer="" code=129
    say "Type yes to go on:"
    # In short waits, so that a signal ends it.
    while [ "$code" -gt 128 ] && ! was_stopped; do
        read -r -t 1 answer
        code=$?
    done
    [ "$answer" = yes ]
}

end_untouched() {
    say "FAILED: no node was touched."
    end_window 1
}

run_window() {
    "prepare_$direction" && ! was_stopped || end_untouched
    confirm "The window begins: every node is stopped, and the cluster is down until the end." || end_untouched
    date -u >"$folder/begun" && sync "$folder/begun" "$folder" || end_untouched
    local start=$SECONDS
    if ! "move_$direction" || ! pass_point_of_no_return; then put_back; fi
    "start_$direction" || end_after_point_of_no_return
    say "DONE. The cluster was down for at most $((SECONDS - start)) s. The admin API may be used again."
    say "Make the configuration permanent that the nodes run with now."
    end_window 0
}

# Puts the cluster back after a window whose script was killed: the latest one, which has not come to an end.
continue_window() {
    local pid
    pid=$(cat "$folder/running" 2>/dev/null)
    if [ -n "$pid" ] && [[ $(ps -o stat=,comm= -p "$pid") == [!Z]*timeout ]]; then
        end_with_usage "a command of that window still runs: wait for its end, or stop it (process $pid)"
    fi
    if [ -e "$folder/point-of-no-return" ]; then end_after_point_of_no_return; fi
    [ -e "$folder/begun" ] || end_untouched
    local old="the replicated store"
    [ "$direction" = there ] || old="the store of $target"
    confirm "Every node is stopped, and started as before that window, on $old." || finish 1
    look_at_target
    ! was_stopped || { say "FAILED: no node was touched. The same command puts the cluster back." && finish 1; }
    case $direction-$on_target in
        there-yes) end_closed "the cluster runs on the store of $target" ;;
        back-no) end_closed "a node runs in its normal roles, and not on the store of $target" ;;
    esac
    # One node that is missing, or in migration mode, keeps the others from telling.
    case $on_target in
        yes | no) ;;
        *) ! grep -q '^ *"mode": "normal"' "$folder/on-target.json" || end_undecided ;;
    esac
    [ "$direction" = back ] || take_back || end_undecided
    put_back
}

# The cluster was moved on by hand since: there is nothing to put back.
end_closed() {
    date -u >"$folder/ended"
    end_with_usage "$1: that window was not put back, and is closed. Another one can begin"
}

read_arguments() {
    while [ $# -gt 1 ]; do
        case $1 in
            -y | --yes) confirmed=yes ;;
            --back) direction=back ;;
            --put-back)
                [ -n "$2" ] && folder=$(realpath -- "$2") && [ -d "$folder" ] || end_with_usage "--put-back $2: no folder"
                shift
                ;;
            *) end_with_usage "unknown argument $1" ;;
        esac
        shift
    done
}

check_settings() {
    local name
    for name in stop_nodes start_nodes_in_migration_mode start_nodes_on_target start_nodes_as_before; do
        declare -F "$name" >/dev/null || end_with_usage "$nodes_file has no function $name"
    done
    [ -r "$target" ] || end_with_usage "$nodes_file: target=$target cannot be read"
    [ -r "$before" ] || end_with_usage "$nodes_file: before=$before cannot be read"
    "$restatectl" wait --help >/dev/null 2>&1 || end_with_usage "$restatectl is not this project's restatectl"
    check_times
    ignored=("${ignore_nodes[@]/#/--ignore-node=}")
    check_folders
}

# Most of them are used first when no node runs any more.
check_times() {
    "$restatectl" wait --timeout "$wait_timeout" --help >/dev/null ||
        end_with_usage "$nodes_file: wait_timeout=$wait_timeout is no time, such as 5m"
    [ -z "$stopped_for" ] || "$restatectl" wait --stable-for "$stopped_for" --help >/dev/null ||
        end_with_usage "$nodes_file: stopped_for=$stopped_for is no time, such as 1s"
    [[ $step_limit =~ ^[1-9][0-9]{0,5}$ ]] || end_with_usage "$nodes_file: step_limit=$step_limit is no number of seconds"
    [[ $resume_attempts =~ ^[0-9]{1,3}$ ]] || end_with_usage "$nodes_file: resume_attempts=$resume_attempts is no number"
}

# The folders become one argument of restatectl, in which they are separated by commas.
check_folders() {
    local name
    for name in "${folders[@]}"; do
        [ -d "$name" ] && [ -r "$name" ] || end_with_usage "$nodes_file: folders: $name is no folder that can be read"
        case $name in *,*) end_with_usage "$nodes_file: folders: $name has a comma" ;; esac
    done
    stopped_nodes=$(IFS=, && printf '%s' "${folders[*]}")
}

# Makes or finds the folder of the window. Two windows at once are refused.
open_folder() {
    umask 077
    mkdir -p "$windows" && windows=$(realpath -- "$windows") && exec 9>>"$windows/lock" ||
        end_with_usage "no file can be made in $windows"
    flock --nonblock 9 || end_with_usage "another window is running"
    latest=$(find "$windows" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1)
    last_passed=$(find "$windows" -mindepth 2 -maxdepth 2 -name point-of-no-return | sort | tail -n 1)
    if [ -z "$folder" ]; then
        check_latest
        # Folders are told apart by the second.
        sleep 1
        folder=$windows/$(date -u +%Y%m%dT%H%M%SZ)-$direction
        mkdir "$folder" && echo "$direction" >"$folder/direction" && sync "$folder/direction" "$folder" ||
            end_with_usage "$folder cannot be made"
        return
    fi
    direction=$(cat "$folder/direction" 2>/dev/null)
    case $direction in there | back) ;; *) end_with_usage "$folder is not the folder of a window" ;; esac
    [ "$folder" = "$latest" ] || end_with_usage "$folder is not the latest window, which is $latest"
    [ ! -e "$folder/ended" ] || end_with_usage "the window of $folder came to its end"
}

# Refuses a new window beside one that was killed, or whose cluster does not run.
check_latest() {
    [ -z "$latest" ] || [ -e "$latest/ended" ] || [ -e "$latest/point-of-no-return" ] ||
        [ ! -e "$latest/begun" ] ||
        end_with_usage "the last window did not come to its end. Run: $(quote "$self" --put-back "$latest" "$nodes_file")"
}

# Begins the log. Commands write into a pipe; what is shown is read from the log by another process. So neither
# a full disk nor a terminal that is stopped holds up the window.
begin_log() {
    local log=$folder/window.log size
    : >>"$log" || end_with_usage "$log cannot be written"
    size=$(stat -c %s "$log")
    exec 8>&2
    (trap '' INT TERM HUP && exec tail -c "+$((size + 1))" -s 0.1 -f --pid=$$ "$log") 8>&- 9>&- &
    exec > >(write_log "$log") 2>&1
    logger=$!
}

write_log() {
    local line
    trap '' INT TERM HUP
    exec 9>&- 2>/dev/null
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$1" || printf '%s\n' "$line" >&8
    done
}

self=$(realpath -- "$0")
read_arguments "$@"
continued=$folder
check_settings
trap 'on_signal INT' INT
trap 'on_signal TERM' TERM
trap 'on_signal HUP' HUP
open_folder
begin_log
if [ -z "$continued" ]; then run_window; else continue_window; fi
