# Sourced by the checks: one SHA-256 of what a run has made, which must not depend on ranks, threads, processors or interruptions.

# Weights, the last checkpoint's master weights, moments and replay buffer, and the log without seconds, and without the bytes exchanged
# and OpenBLAS's core, which are about the machine.
run_digest() {
    local run="$1" last part
    last="$run/checkpoints/$(cat "$run/checkpoints/latest")"
    {
        for part in "$run"/adapter/*.safetensors "$run"/model/*.safetensors "$last/optimizer.safetensors" "$last/replay"; do
            [ ! -e "$part" ] || cat "$part"
        done
        sed -E 's/,"(seconds|sync|openblas)_[a-z_]*":("[^"]*"|\[[^]]*\]|[^,}]*)//g' "$run/metrics.jsonl"
    } | sha256sum | cut -d' ' -f1
}
