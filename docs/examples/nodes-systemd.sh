# The nodes of a cluster under systemd, reached over ssh: for maintenance-window.sh. Copy this file and adapt it.
#
# Each host has the configuration of the node twice: before.toml as it is, and target.toml with the
# [metadata-client] section of the target, `roles` without "metadata-server", no [metadata-server] section, and
# auto-provision = false. The functions choose one of them by a drop-in with a command of its own, which stays
# afterwards: make it permanent in the unit when the window is over. They need `sudo` without a password for
# systemctl, mkdir and tee.
#
# Variables of the unit whose names begin with RESTATE_METADATA_CLIENT__, and RESTATE_ROLES, override the files.

export RESTATECTL_ADDRESS=http://node-1.example.com:5122,http://node-2.example.com:5122,http://node-3.example.com:5122
target=etcd.toml
before=replicated.toml

hosts=(node-1.example.com node-2.example.com node-3.example.com)
unit=restate-server.service
# The unit's own ExecStart without --config-file. Keep every other argument: without its --base-dir, a node would start
# in another folder, without its data.
server="/usr/bin/restate-server --base-dir /var/lib/restate"
configs=/etc/restate

# Runs a command on all hosts at once. Fails if it fails on one.
on_all_hosts() {
    local host pid pids=() failed=0
    for host in "${hosts[@]}"; do
        ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=10 "$host" "$1" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    return "$failed"
}

# Starts the unit on all hosts with this configuration file and these options.
start_with() {
    local folder=/etc/systemd/system/$unit.d command="$server --config-file $configs/$*"
    on_all_hosts "set -e
        sudo mkdir -p $folder
        printf '[Service]\nExecStart=\nExecStart=%s\n' '$command' | sudo tee $folder/window.conf >/dev/null
        sudo systemctl daemon-reload
        sudo systemctl start $unit"
}

# Finds what is missing before any node is stopped.
check_nodes() {
    local folder=/etc/systemd/system/$unit.d
    on_all_hosts "set -e
        for verb in start stop; do sudo -n -l systemctl \$verb $unit >/dev/null; done
        sudo -n systemctl daemon-reload
        sudo -n mkdir -p $folder
        sudo -n -l tee $folder/window.conf >/dev/null
        systemctl cat $unit >/dev/null
        test -e $configs/before.toml
        test -e $configs/target.toml"
}

# systemctl returns when every process of the unit is gone. It kills what is still there after TimeoutStopSec.
stop_nodes() {
    on_all_hosts "sudo systemctl stop $unit"
}

start_nodes_in_migration_mode() {
    start_with before.toml --metadata-migration-mode
}

start_nodes_on_target() {
    start_with target.toml
}

start_nodes_as_before() {
    start_with before.toml
}
