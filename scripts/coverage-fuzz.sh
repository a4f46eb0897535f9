#!/usr/bin/env bash
# Fuzzes each kind of input, guided by coverage: the decoders, the configuration and the files of stopped nodes.
# SECONDS_EACH (360) is the time for each of them; arguments select some. Run by hand, not in CI. It needs the nightly compiler.
#
# What is found that reaches new code goes to .cache/fuzz; the repository has the first inputs only. An input that fails
# stays in fuzz/artifacts and ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/cargo-tool.sh fuzz 0.13.2
export PATH=$PWD/.cache/cargo/bin:$PATH
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list)
export CARGO_TARGET_DIR=$PWD/.cache/fuzz/target
cargo +nightly fuzz build

# Leaves out the words that the fuzzer has learned, which are thousands, and makes its count a line that soak.sh adds up.
shorten_output() {
    sed -uE -e '/# Uses: [0-9]+$/d; /^#+ (Recommended|End of recommended) dictionary/d; /^INFO:/d; /^ +(Finished|Running) /d' \
        -e "s/^stat::number_of_executed_units: +([0-9]+)/sum: coverage-fuzz, $target: \1 inputs/"
}

for target in "$@"; do
    found=.cache/fuzz/corpus/$target
    mkdir -p "$found"
    echo "== $target, ${SECONDS_EACH:-360} s"
    # Inputs of up to 64 KiB, of which none may take 10 s or 1 GiB.
    cargo +nightly fuzz run "$target" "$found" "fuzz/corpus/$target" -- -max_total_time="${SECONDS_EACH:-360}" \
        -max_len=65536 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -print_funcs=0 -verbosity=0 2>&1 | shorten_output
done
