#!/usr/bin/env bash
# Acts as the operator in docs/recording.svg: types a command, runs it, and pauses to read. Called by
# examples/recording.rs on the recorded terminal, with restatectl in PATH and etcd.toml in this folder.
set -euo pipefail

prompt() {
    printf '\033[32;1m$\033[0m '
}

# Types the command $1 at human speed, runs it, and waits $2 seconds for the viewer to read.
enter() {
    local command=$1 reading=$2 index
    for ((index = 0; index < ${#command}; index++)); do
        printf '%s' "${command:index:1}"
        sleep 0.04
    done
    sleep 0.4
    printf '\n'
    $command
    prompt
    sleep "$reading"
}

clear
prompt
sleep 0.8
enter "restatectl metadata migrate --toml etcd.toml --dry-run" 5
enter "restatectl metadata migrate --toml etcd.toml" 6
enter "restatectl metadata verify --toml etcd.toml" 4
