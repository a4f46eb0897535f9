#!/usr/bin/env bash
# Changes the decisive code, one place at a time, and runs the unit tests: a change that no test notices is a decision that
# nothing holds. MINUTES (60) is the time for it; the next run goes on with what is left. Run by hand, not in CI.
#
# The changes are built in a crate of that code alone (mutants-crate.py), in .cache/mutants/crate.
# .cache/mutants/mutants.out/missed.txt has those that no test noticed; they are printed as MISSED.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/cargo-tool.sh mutants 27.1.0
export PATH=$PWD/.cache/cargo/bin:$PATH
mkdir -p .cache/mutants
crate=.cache/mutants/crate output=$PWD/.cache/mutants
scripts/mutants-crate.py "$crate"
code=0
# Ten thousand cases for each change would take too long, and so would one long comparison that only tests a time limit.
# The tests of the codec are about code that is not changed.
export RESTATECTL_FUZZ_CASES=100
# What decides: the plan, the checks, the comparison, the writing, the merge of nodes_config, the edits, undo.
timeout --signal=INT --kill-after=60 "${MINUTES:-60}m" cargo mutants --dir "$crate" --iterate --output "$output" \
    --file 'src/pipeline/**/*.rs' --file src/commands/edit/decision.rs --cargo-arg=--lib --no-shuffle --jobs 2 --timeout 30 \
    --build-timeout 300 "$@" -- -- --skip codec::tests:: --skip documents_that_differ_everywhere || code=$?
# 2: some survived; 3: some took too long; 124: the time is over.
case $code in 0 | 2 | 3 | 124) ;; *) exit "$code" ;; esac
for outcome in caught missed timeout unviable; do
    printf '%s %s\n' "$outcome" "$(cat .cache/mutants/mutants.out/{previously_,}$outcome.txt 2>/dev/null | sort -u | wc -l)"
done
