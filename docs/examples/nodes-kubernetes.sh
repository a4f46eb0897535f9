# The nodes of a cluster as a StatefulSet of Kubernetes: for maintenance-window.sh. Copy this file and adapt it.
#
# Run the window where the addresses that the nodes advertise can be reached, such as in a pod. A port-forward
# is not enough. A pod for that needs an image with bash, kubectl and restatectl (that of docs/install.md has no shell),
# the folder `windows` on a volume that outlives it, terminationGracePeriodSeconds of 900, in which the cluster can be
# put back, and a service account that may get and patch statefulsets and statefulsets/scale, get, list and watch pods,
# and get configmaps.
#
# The functions scale to 0 and up again: in a rolling update, the first pod in migration mode would never become ready,
# and hold up the others. For the same reason the headless service needs publishNotReadyAddresses: true. The StatefulSet
# must keep its volumes (persistentVolumeClaimRetentionPolicy.whenScaled: Retain, the default). Two ConfigMaps have the configuration, each as restate.toml: restate-before as it is, and
# restate-target with the [metadata-client] section of the target, `roles` without "metadata-server", no
# [metadata-server] section, and auto-provision = false. The pod mounts one of them as the volume `config`.
#
# The StatefulSet needs podManagementPolicy: Parallel. With OrderedReady the second pod waits for the first,
# which waits for a quorum. Variables of the container whose names begin with RESTATE_METADATA_CLIENT__, and RESTATE_ROLES,
# override the configuration. An operator or a GitOps controller that owns the StatefulSet would undo what is
# changed here: suspend it during the window, and give it the new state afterwards.

export RESTATECTL_ADDRESS=http://restate-0.restate:5122,http://restate-1.restate:5122,http://restate-2.restate:5122
target=etcd.toml
before=replicated.toml

namespace=restate
statefulset=restate
container=restate
selector=app=restate
replicas=3
config=/etc/restate/restate.toml

in_namespace() {
    kubectl --namespace "$namespace" --request-timeout=60s "$@"
}

# Finds what is missing before any node is stopped.
check_nodes() {
    local verb found keeps_volumes=.spec.persistentVolumeClaimRetentionPolicy.whenScaled
    local mounts=".spec.template.spec.containers[?(@.name==\"$container\")].volumeMounts[*].name"
    in_namespace get configmap restate-before restate-target >/dev/null
    for verb in get patch; do
        in_namespace auth can-i --quiet "$verb" statefulsets
        in_namespace auth can-i --quiet "$verb" statefulsets --subresource scale
    done
    for verb in list watch; do in_namespace auth can-i --quiet "$verb" pods; done
    found=$(in_namespace get statefulset "$statefulset" -o "jsonpath={$keeps_volumes}")
    if [ "$found" = Delete ]; then
        echo "whenScaled is Delete: to stop the pods would delete the volumes of the cluster" >&2
        return 1
    fi
    found=$(in_namespace get statefulset "$statefulset" -o "jsonpath={$mounts}")
    case " $found " in *" config "*) ;; *)
        echo "the container $container does not mount a volume named config: it would keep its configuration" >&2
        return 1
        ;;
    esac
    patch_with restate-target "" --dry-run=server
    patch_with restate-before '"--metadata-migration-mode"' --dry-run=server
}

# Gives the pods this ConfigMap and these further arguments of the server, each in quotes.
patch_with() {
    local arguments="\"--config-file\", \"$config\"${2:+, $2}"
    in_namespace patch statefulset "$statefulset" --type strategic "${@:3}" --patch "{\"spec\": {\"template\": {\"spec\": {
        \"containers\": [{\"name\": \"$container\", \"args\": [$arguments]}],
        \"volumes\": [{\"name\": \"config\", \"configMap\": {\"name\": \"$1\"}}]}}}}"
}

# Starts all pods with this ConfigMap and these further arguments.
start_with() {
    patch_with "$1" "${2:-}"
    in_namespace scale statefulset "$statefulset" --replicas "$replicas"
}

# A pod is deleted once its containers have ended, unless its machine is lost: see to such a machine first.
stop_nodes() {
    in_namespace scale statefulset "$statefulset" --replicas 0
    kubectl --namespace "$namespace" wait pod --for delete --selector "$selector" --timeout 300s
}

start_nodes_in_migration_mode() {
    start_with restate-before '"--metadata-migration-mode"'
}

start_nodes_on_target() {
    start_with restate-target
}

start_nodes_as_before() {
    start_with restate-before
}
