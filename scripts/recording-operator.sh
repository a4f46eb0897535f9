#!/usr/bin/env bash
# Acts as the operator in docs/recording.svg: types a command, runs it, and pauses to read. Called by
# examples/recording.rs on the recorded terminal, with restatectl in PATH, and with etcd.toml and requests/ in this folder.
set -euo pipefail

prompt() {
    printf '\033[32;1m$\033[0m '
}

# Types the text $1 at human speed.
type_text() {
    local text=$1 index
    for ((index = 0; index < ${#text}; index++)); do
        printf '%s' "${text:index:1}"
        sleep 0.04
    done
    sleep 0.4
    printf '\n'
}

# Types the command $1, runs it, and waits $2 seconds for the viewer to read.
enter() {
    local command=$1 reading=$2
    type_text "$command"
    $command
    prompt
    sleep "$reading"
}

# Types the comment $1, and asks the recorder to do $2 with the nodes.
note() {
    type_text "# $1"
    touch "requests/$2"
    prompt
    sleep 0.8
}

clear
prompt
sleep 0.8
enter "restatectl metadata migrate --toml etcd.toml --dry-run" 5
note "restart every node with --metadata-migration-mode" migration-mode
enter "restatectl wait --for migration-mode" 3
enter "restatectl metadata migrate --toml etcd.toml --backup before.jsonl --report migrate.json" 6
note "stop every node" stopped
enter "restatectl wait --for stopped --from before.jsonl" 2
note "start every node with its new configuration" on-etcd
enter "restatectl wait --for running --on etcd.toml" 2
enter "restatectl status --on etcd.toml" 5
enter "restatectl metadata verify --from before.jsonl --toml etcd.toml --allow-newer" 5
