#!/usr/bin/env bash
# Runs the long form of the safety tests, part by part; not in CI. PART=list names the parts. A part is cut into slices
# whose results stay in .cache/soak: a run that was interrupted continues with the next slice. FRESH=1 begins anew, and
# MINUTES=40 begins no slice later than that. What a part has printed goes to docs/soak.md.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(runs kills matrix races fuzz coverage-fuzz window stopped-node versions edits answers mutants)
# The published servers that setup.sh does not install: each takes about 200 MB, one at a time.
servers=(1.7.4 1.7.6 1.7.8 1.7.9 1.7.10)
state=${SOAK_STATE:-.cache/soak}
page=docs/soak.md
began=$SECONDS
interrupted= child= failures=0

describe_part() {
    case $1 in
    runs) echo "all that make test runs over servers, ten times in a row" ;;
    kills) echo "1,000 SIGKILLs of runs to etcd, S3, DynamoDB and back, and of the runs that resume them" ;;
    matrix) echo "every store as source and as target, four network faults at ten places in each direction" ;;
    races) echo "200 pairs of runs at once on each store, and other writers" ;;
    fuzz) echo "10 million cases a fuzz test" ;;
    coverage-fuzz) echo "an hour of fuzzing guided by coverage; it needs the nightly compiler" ;;
    mutants) echo "the decisive code changed place by place, which the unit tests must notice" ;;
    window) echo "a maintenance window that fails, or gets a signal, at each step" ;;
    stopped-node) echo "100 clusters killed under load, each flipped bit and cut of a folder, 300 databases beside RocksDB" ;;
    versions) echo "every published server: to etcd and back" ;;
    edits) echo "every edit judged by a real server, finished roll-backs, lost leaders, suspended processes" ;;
    answers) echo "lost answers at many places, listings of a million names, who is trusted, each class of findings" ;;
    esac
}

# Prints the slices of a part: name, time limit, test program, a variable, and the tests. With the program `script`, the
# words after the variable are a command, which succeeds by its exit code.
list_slices() {
    local slice store name
    case $1 in
    runs)
        for slice in 1 2 3 4 5 6 7 8 9 10; do
            echo "run-$slice 60m script RUST_TEST_THREADS=$(($(nproc) * 3)) env -u RESTATECTL_SOAK $integration"
        done ;;
    kills)
        for slice in 1 2 3 4 5; do
            for store in runs_to_etcd runs_to_s3 runs_to_dynamo_db rollbacks; do
                echo "$store-$slice 20m integration RESTATECTL_SOAK_SLICE=50 resilience::kills::killed_${store}_"
            done
        done ;;
    matrix)
        for store in replicated_store_to_s3 s3_to_dynamo_db dynamo_db_to_etcd etcd_to_the_replicated_store; do
            for name in Source Target; do
                echo "$store-$name 40m integration RESTATECTL_SOAK_SIDE=$name resilience::fault_matrix::faults_from_${store/#replicated/the_replicated}_"
            done
        done ;;
    races)
        for slice in 1 2 3 4; do
            for store in runs_to_etcd runs_to_s3 runs_to_dynamo_db rollbacks; do
                echo "$store-$slice 20m integration RESTATECTL_SOAK_SLICE=50 resilience::concurrent_runs::${store}_at_once_"
            done
        done
        echo "lost-answer 5m integration A=1 resilience::concurrent_runs::lost_answer_"
        echo "other-writer 20m integration A=1 resilience::races::" ;;
    fuzz)
        for slice in 1 2 3 4 5 6 7 8 9 10; do
            "$lib" --list | sed -n 's/: test$//p' | grep fuzz_ | while read -r name; do
                echo "${name//::/.}-$slice 30m lib RESTATECTL_FUZZ_CASES=1000000 --exact $name"
            done
        done ;;
    coverage-fuzz)
        for name in fuzz/fuzz_targets/*.rs; do
            name=$(basename "$name" .rs)
            echo "$name 60m script SECONDS_EACH=360 scripts/coverage-fuzz.sh $name"
        done ;;
    # One slice: each start builds two copies of the crate, and goes on with what is left.
    mutants) echo "changes 330m script MINUTES=320 scripts/mutants.sh" ;;
    window) echo "every-step 60m integration A=1 maintenance_window::every_step::" ;;
    stopped-node)
        for slice in 1 2 3 4 5; do
            echo "load-$slice 20m integration RESTATECTL_SOAK_SLICE=20 stopped_node::load::"
        done
        echo "bits-and-cuts 60m lib A=1 rocks_db::tests::no_"
        echo "oracle 30m integration A=1 stopped_node::oracle::" ;;
    versions)
        echo "installed 15m integration A=1 migrate::server_versions::"
        for name in "${servers[@]}"; do
            echo "$name 15m integration RESTATECTL_SERVER=$PWD/$state/server/node_modules/@restatedev/restate-server-linux-x64 chosen_server"
        done ;;
    edits)
        for name in edit::oracle rollback::asked_again resilience::lost_leaders resilience::suspensions; do
            echo "${name##*::} 30m integration A=1 ${name}::"
        done ;;
    answers)
        for name in resilience::lost_answers resilience::s3_listings stores::aws_trust check::classes; do
            echo "${name##*::} 30m integration A=1 ${name}::"
        done ;;
    esac
}

# Builds a test program and prints its path.
build_program() {
    local found
    found=$(timeout 60m cargo test --locked --no-run --message-format=json "$@" |
        jq -r 'select(.reason == "compiler-artifact" and .profile.test and .executable) | .executable')
    [ -x "$found" ] || { echo "no test program: $*" >&2; exit 1; }
    echo "$found"
}

# Installs the server of a slice of `versions`, if it is not installed.
install_server() {
    case $1 in [0-9]*) ;; *) return 0 ;; esac
    rm -rf "$state/server"
    timeout 10m npm install --prefix "$state/server" --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error \
        "@restatedev/restate-server-linux-x64@$1" >/dev/null
}

# Runs a slice and keeps what it printed as NAME.ok or NAME.failed.
run_slice() {
    local name=$1 limit=$2 program=$3 variable=$4 code=0 started=$SECONDS
    local output=$folder/$name.running
    shift 4
    if [ "$program" != script ]; then set -- "${!program}" --nocapture "$@"; fi
    [ "$part" != versions ] || install_server "$name" || { echo "$name: no server" >&2; return 0; }
    echo "# $(git describe --always --dirty --exclude '*') $(date -u '+%F %H:%M')" >"$output"
    # With &, signals are ignored, also by the programs that the tests start and interrupt.
    env --default-signal=HUP,INT,QUIT "$variable" timeout --kill-after=10 "$limit" "$@" >>"$output" 2>&1 9>&- &
    child=$!
    wait "$child" || code=$?
    child=
    rm -rf "$state/server"
    if [ -n "$interrupted" ]; then
        rm "$output"
        return 0
    fi
    [ "$part" != runs ] || echo "$name: $(sed -n 's/^test result: //p' "$output")" >>"$output"
    # A name that selects no test is no success.
    if [ "$code" = 0 ] && { [ "$program" = script ] || grep -q '^test result: ok\. [1-9]' "$output"; }; then
        [ "$part" != fuzz ] || echo "sum: fuzz, ${!#}: ${variable#*=} cases" >>"$output"
        mv "$output" "$folder/$name.ok"
        echo "$part: $name: ok, $((SECONDS - started)) s"
    else
        mv "$output" "$folder/$name.failed"
        tail -n 40 "$folder/$name.failed"
        echo "$part: $name: FAILED ($code), $((SECONDS - started)) s: $folder/$name.failed"
    fi
}

# Prints what all slices of a part have printed.
print_outputs() {
    find "$folder" -maxdepth 1 \( -name '*.ok' -o -name '*.failed' \) -print0 | sort -zV | xargs -0r cat
}

# Prints the lines of all slices of a part without those of the test program; of a whole run only its result, since it
# shows all that a test which failed has printed.
print_lines() {
    if [ "$part" = runs ]; then
        print_outputs | grep '^run-[0-9]*: ' || true
        return
    fi
    print_outputs | sed -E 's/^test [^ ]+ \.\.\. //' |
        grep -vE '^(#|$|running |test .* has been running for |test result: |ok$|FAILED$|successes:|failures:| {4}[a-z_:0-9]+$| +(Compiling|Finished) )|RESTATECTL_SOAK_SEED=' || true
}

# Adds up the lines `sum: LABEL: N words, N words`, and counts the tests.
print_sums() {
    print_lines | awk '/^sum: / {
        line = substr($0, 6); at = index(line, ": "); label = substr(line, 1, at - 1)
        if (!(label in fields)) { order[++labels] = label; fields[label] = "" }
        count = split(substr(line, at + 2), items, ", ")
        for (i = 1; i <= count; i++) {
            words = items[i]; sub(/^[0-9]+ /, "", words)
            if (!((label, words) in total)) fields[label] = fields[label] "\n" words
            total[label, words] += items[i]
        }
    } END {
        for (l = 1; l <= labels; l++) {
            count = split(substr(fields[order[l]], 2), names, "\n"); text = order[l] ":"
            for (i = 1; i <= count; i++) text = text (i > 1 ? "," : "") " " total[order[l], names[i]] " " names[i]
            print text
        }
    }'
    print_outputs | sed -nE 's/^test ([^ ]+) \.\.\. .*\b(ok|FAILED)$/\2: \1/p' |
        sort | uniq -c | awk -v part="$part" '
            part == "runs" && $2 == "ok:" { passed[$1]++; next }
            { print $2, $3 ", " $1 " times" }
            END { for (times in passed) print "ok: " passed[times] " tests, " times " times each" }'
}

count_slices() {
    find "$folder" -maxdepth 1 -name "*.$1" | wc -l
}

# Prints the section of a part for the page.
print_section() {
    local total done failed
    total=$(wc -l <"$folder/slices") failed=$(count_slices failed)
    done=$(($(count_slices ok) + failed))
    echo "## $part"
    echo
    echo "$(describe_part "$part")."
    echo
    echo "$done of $total slices, $failed failed. $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(rustc --version | cut -d' ' -f1-2)," \
        "Restate $(jq -r .version .cache/npm/node_modules/@restatedev/restate-server/package.json), $(etcd --version | head -n 1)."
    echo "At commits: $(print_outputs | sed -n 's/^# //p' | awk '{ n[$1]++; day[$1] = $2 } END { for (c in n) print c " (" n[c] " slices, " day[c] ")" }' | sort | paste -sd';' | sed 's/;/; /g')."
    echo
    echo '```'
    print_sums
    find "$folder" -name '*.failed' -printf 'failed slice: %f\n' | sort
    echo
    print_lines | grep -v '^sum: ' || true
    echo '```'
    echo
}

# Prints a section of the page as it stands.
print_old_section() {
    awk -v title="## $1" '$0 == title { shown = 1 } /^## / && $0 != title { shown = 0 } shown' "$page"
}

# Replaces the section of a part: a whole run's only by another whole run's.
write_page() {
    local other
    if [ -z "$(print_outputs)" ]; then return 0; fi
    if [ "$(($(count_slices ok) + $(count_slices failed)))" -lt "$(wc -l <"$folder/slices")" ] &&
        print_old_section "$part" | grep -qE '^([0-9]+) of \1 slices'; then
        return 0
    fi
    print_section >"$folder/section.md"
    {
        sed '/^## /,$d' "$page"
        for other in "${parts[@]}"; do
            if [ "$other" = "$part" ]; then cat "$folder/section.md"; else print_old_section "$other"; fi
        done
    } >"$folder/page.md"
    cp "$folder/page.md" "$page"
}

run_part() {
    local name limit program variable tests
    part=$1 folder=$state/$part
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock -n 9 || { echo "soak: another run of $part holds $folder" >&2; exit 1; }
    if [ -n "${FRESH:-}" ]; then find "$folder" -type f ! -name lock -delete; fi
    rm -f "$folder"/*.running
    list_slices "$part" >"$folder/slices"
    while read -r name limit program variable tests <&3; do
        if [ -e "$folder/$name.ok" ] || [ -e "$folder/$name.failed" ]; then continue; fi
        if [ -n "$interrupted" ] || [ $((SECONDS - began)) -ge $((60 * ${MINUTES:-100000})) ]; then break; fi
        # shellcheck disable=SC2086
        run_slice "$name" "$limit" "$program" "$variable" $tests
    done 3<"$folder/slices"
    print_sums
    failures=$((failures + $(count_slices failed)))
    echo "soak: $part: $(count_slices ok) slices ok, $(count_slices failed) failed, of $(wc -l <"$folder/slices")"
    write_page
    [ "$(($(count_slices ok) + $(count_slices failed)))" = "$(wc -l <"$folder/slices")" ] || echo "soak: $part: the same command continues"
}

if [ "${PART:-}" = list ]; then
    for part in "${parts[@]}"; do printf '%-13s %s\n' "$part" "$(describe_part "$part")"; done
    exit 0
fi
read -ra chosen <<<"${PART:-${parts[*]}}"
for part in "${chosen[@]}"; do
    [ -n "$(describe_part "$part")" ] || { echo "soak: no part is named $part; PART=list names them" >&2; exit 2; }
done
[ -n "${SKIP_SETUP:-}" ] || scripts/setup.sh
# The image that a test of `runs` builds has the static program.
case " ${chosen[*]} " in *" runs "*) PROFILE=dev scripts/static.sh ;; esac
export RESTATECTL_SOAK=1
trap 'interrupted=1; [ -z "$child" ] || kill "$child" 2>/dev/null || true' INT TERM HUP
integration=$(build_program --test integration)
case " ${chosen[*]} " in *" fuzz "* | *" stopped-node "*) lib=$(build_program --release --lib) ;; esac
for part in "${chosen[@]}"; do
    [ -n "$interrupted" ] || run_part "$part"
done
[ "$failures" = 0 ] || { echo "soak: $failures slices failed; a slice is repeated once its .failed file is deleted" >&2; exit 1; }
[ -z "$interrupted" ] || exit 130
