# The nodes of a cluster under Docker Compose: for maintenance-window.sh. Copy this file and adapt it.
#
# Beside compose.yaml there are three override files, each with the whole command of each node:
#
#   # before.yaml: as it is now
#   services:
#     restate-1: {command: ["--config-file", "/etc/restate/before.toml"]}
#   # migration-mode.yaml: the same with the option
#   services:
#     restate-1: {command: ["--config-file", "/etc/restate/before.toml", "--metadata-migration-mode"]}
#   # on-target.yaml: target.toml has the [metadata-client] section of the target, `roles` without
#   # "metadata-server", no [metadata-server] section, and auto-provision = false
#   services:
#     restate-1: {command: ["--config-file", "/etc/restate/target.toml"]}
#
# Keep every other argument that the commands in compose.yaml have. Data has to be in volumes: the containers are
# made anew. Variables in `environment` whose names begin with RESTATE_METADATA_CLIENT__, and RESTATE_ROLES, override the
# configuration files. When the window is over, put on-target.yaml into compose.yaml: `docker compose up` without
# it would start nodes on the old store.

export RESTATECTL_ADDRESS=http://127.0.0.1:5122,http://127.0.0.1:5123,http://127.0.0.1:5124
target=etcd.toml
before=replicated.toml
# If the volumes are folders of this machine that you can read, they make the window shorter:
# folders=(/srv/restate/data/restate-1 /srv/restate/data/restate-2 /srv/restate/data/restate-3)

project=/srv/restate
services=(restate-1 restate-2 restate-3)
stop_limit=120 # seconds until a container is killed

compose() {
    docker compose --project-directory "$project" --file "$project/compose.yaml" "$@"
}

# Finds what is missing before any node is stopped.
check_nodes() {
    local file
    for file in before migration-mode on-target; do
        compose --file "$project/$file.yaml" config --quiet
    done
}

# Compose returns when the containers have ended.
stop_nodes() {
    compose stop --timeout "$stop_limit" "${services[@]}"
}

start_with() {
    compose --file "$project/$1" up --detach --no-deps "${services[@]}"
}

start_nodes_in_migration_mode() {
    start_with migration-mode.yaml
}

start_nodes_on_target() {
    start_with on-target.yaml
}

start_nodes_as_before() {
    start_with before.yaml
}
