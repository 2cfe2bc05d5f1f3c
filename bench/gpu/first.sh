#!/usr/bin/env bash
# The first hour with a GPU, in four commands of less than ten minutes each. Each ends with a Markdown table.
#
#   bench/gpu/first.sh load        is everything there, what does the card cost and give: beside PyTorch
#   bench/gpu/first.sh test        Attune's tests with their tensors on the card
#   bench/gpu/first.sh parity      logits, losses and greedy tokens: beside transformers + PEFT, and beside the processor
#   bench/gpu/first.sh speed       training and generation: beside transformers + PEFT on the same card
#
#   --device cuda|cuda:N|cpu|simulated   default: cuda. The last two try all of it but the card, on any machine
#   --small                              tiny sizes, seconds each
#   --python PYTHON                      default: python3
#
# Needs an NVIDIA driver, and Python with torch 2.10 or newer for CUDA, for parity and speed with transformers and peft too:
#   pip install torch transformers peft
# Works from sources that are built (mvn -B -DskipTests package), where `test` needs bench/gpu/pack.sh first, and in the
# folder that pack.sh makes, which is all that another machine needs. Tables and logs go into $OUT (out/gpu).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
stage=${1:-}
case $stage in load | test | parity | speed) shift ;; *) usage ;; esac
device=cuda small= python=python3
while [ $# -gt 0 ]; do
  case $1 in
    --device) [ $# -gt 1 ] || usage; device=$2; shift 2 ;;
    --python) [ $# -gt 1 ] || usage; python=$2; shift 2 ;;
    --small) small=1; shift ;;
    *) usage ;;
  esac
done
fail() { echo "first.sh: $*" >&2; exit 1; }
python=$(command -v "$python") || fail "there is no such Python; give one with torch by --python"
out=${OUT:-out/gpu}
mkdir -p "$out"
out=$(cd "$out" && pwd)
attune=${ATTUNE:-$root/attune}

# Which device Attune is told, and Python.
case $device in
  cuda | cuda:[0-9]*) named=$device ;;
  cpu) named=cpu ;;
  simulated) # it is the tests', not Attune's: packed by pack.sh, or compiled beside the sources
    named=auto ATTUNE_JAVA_OPTS="-Dattune.device=simulated ${ATTUNE_JAVA_OPTS:-}"
    support=$root/tests/lib/attune-src-tests.jar
    [ -e "$support" ] || support=$root/src/target/test-classes
    [ -e "$support" ] || fail "the simulated GPU is in the tests, which aren't compiled; run: mvn -B -DskipTests package"
    export ATTUNE_CLASSPATH=$support${ATTUNE_CLASSPATH:+:$ATTUNE_CLASSPATH}
    ;;
  *) fail "--device is $device; accepted: cuda, cuda:N, cpu, simulated" ;;
esac
# The libtorch of that Python, unless another is named.
if [ -z "${ATTUNE_LIBTORCH:-}" ]; then
  ATTUNE_LIBTORCH=$("$python" -c 'import torch; print(torch.__path__[0])') || fail "$python has no torch: pip install torch"
fi
# Fewer pieces of memory between tensors of ever new sizes; products of equal bits from call to call.
export ATTUNE_LIBTORCH ATTUNE_JAVA_OPTS=${ATTUNE_JAVA_OPTS:-} PYTHONUNBUFFERED=1
export PYTORCH_ALLOC_CONF=${PYTORCH_ALLOC_CONF:-expandable_segments:True} CUBLAS_WORKSPACE_CONFIG=${CUBLAS_WORKSPACE_CONFIG:-:4096:8}

[ "$stage" = test ] || "$attune" version || fail "$attune doesn't start" # builds it where sources have changed
begun=$SECONDS bad=0
step() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - begun)); }
# Runs a command with a limit of time; what it prints goes into a file too.
try() { # NAME SECONDS COMMAND ...
  local name=$1 limit=$2 code=0
  shift 2
  timeout "$limit" "$@" 2>&1 | tee "$out/$name.log" || code=${PIPESTATUS[0]}
  [ $code = 0 ] || { bad=1; echo "$name FAILED with code $code$([ $code != 124 ] || echo ", out of its $limit s"); the log is $out/$name.log"; }
  return $code
}
has() { "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }
# The last table of a log.
table() { [ ! -r "$1" ] || awk '/^\|/ { if (!inside) rows = ""; inside = 1; rows = rows $0 "\n"; next } { inside = 0 } END { printf "%s", rows }' "$1"; }
finish() { # FILES OF TABLES ...
  step "$stage on $device"
  : >"$out/$stage.md"
  for file in "$@"; do table "$file" >>"$out/$stage.md"; done
  cat "$out/$stage.md"
  [ $bad = 0 ] && echo "$stage: all went well" || echo "$stage: something failed, see above"
  exit $bad
}

case $stage in
  load)
    step machine
    if command -v nvidia-smi >/dev/null; then
      nvidia-smi --query-gpu=index,name,driver_version,memory.total,memory.free --format=csv
    else
      echo "no nvidia-smi here"
    fi
    "$python" -c 'import torch; print("torch", torch.__version__, "for CUDA", torch.version.cuda, "; usable:", torch.cuda.is_available())'
    for module in transformers peft; do has $module || echo "$python has no $module: parity and speed need it (pip install $module)"; done
    step "what Attune finds"
    try doctor 60 "$attune" doctor
    step "the device by itself"
    try device 240 "$attune" bench device --device "$named" --size "$([ -n "$small" ] && echo 64 || echo 4096)" --peer "$python" --peer-scripts "$here"
    finish "$out/device.log"
    ;;
  test)
    step "tests on $device"
    tests=$root/tests
    [ -d "$tests/lib" ] || tests=$root/target/attune-gpu/tests
    [ -d "$tests/lib" ] || fail "the tests aren't packed; run bench/gpu/pack.sh"
    kit=$(dirname "$tests")
    chosen=("@$tests/classes.txt")
    [ -z "$small" ] || chosen=(-c=org.attune.tensor.DeviceTensorTest -c=org.attune.policy.FlashPathsTest)
    java=${JAVA:-$kit/runtime/bin/java}
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 try tests 540 "$java" --enable-native-access=ALL-UNNAMED --add-modules=jdk.incubator.vector \
      -XX:+UseSerialGC -Xmx4g --sun-misc-unsafe-memory-access=allow "-Dattune.device=$device" -cp "$kit/lib/*:$tests/lib/*" \
      org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --details=tree --exclude-tag slow "${chosen[@]}" >/dev/null
    grep -E '\[X\]' "$out/tests.log" | head -60
    count() { sed -n "s/^\[ *\([0-9]*\) tests $1 .*/\1/p" "$out/tests.log" | tail -1; }
    printf '| tests on %s | number |\n|---|---|\n' "$device" >"$out/tests.md"
    for what in successful failed aborted skipped; do printf '| %s | %s |\n' $what "$(count $what)" >>"$out/tests.md"; done
    finish "$out/tests.md"
    ;;
  parity)
    has transformers && has peft || fail "parity needs transformers and peft: $python -m pip install transformers peft"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    step "recorded by transformers + PEFT"
    try recorded 180 "$python" "$here/parity.py" record "$work" --device "$device" ${small:+--small} || finish
    for dtype in float32 bfloat16; do
      step "logits in $dtype"
      try "logits-$dtype" 60 "$attune" verify-model --model "$work/model" --device "$named" --dtype $dtype --expected "$work/expected.safetensors"
    done
    step "greedy tokens"
    try greedy 60 "$attune" generate --model "$work/model" --device "$named" --dtype float32 --prompts "$work/prompts.jsonl" --out "$work/greedy.jsonl" --raw \
      --max-new-tokens 16 --temperature 0
    for place in "$named" cpu; do
      step "an adapter's training on $place"
      try "train-${place%%:*}" 120 "$attune" sft "$work/sft.yaml" device="$place" output_dir="$work/run-$place"
    done
    try parity 60 "$python" "$here/parity.py" compare "$work" --device "$device" --runs "$work/run-$named" "$work/run-cpu" --logs "$out"
    finish "$out/parity.log"
    ;;
  speed)
    peer=()
    if has transformers && has peft; then
      peer=(--peer "$python" --peer-program peft --peer-scripts "$here")
    else
      echo "$python has no transformers and peft: Attune alone is measured"
    fi
    results=() singly=()
    # The same without a graph of a token's launches, and without a peer.
    measure_singly() { # NAME SECONDS ARGUMENTS ...
      local name=$1-singly limit=$2
      shift 2
      step "$name: without graphs"
      ATTUNE_JAVA_OPTS="$ATTUNE_JAVA_OPTS -Dattune.gpu.graphs=off" try "$name" "$limit" "$attune" bench "$@" --device "$named" --dtype bfloat16 \
        --repeats 1 --output "$out/$name" --history "$out/history" && singly+=("$out/$name/result.json")
    }
    measure() { # NAME SECONDS ARGUMENTS ...
      local name=$1 limit=$2
      shift 2
      step "$name"
      try "$name" "$limit" "$attune" bench "$@" --device "$named" --dtype bfloat16 --repeats 1 ${peer[@]+"${peer[@]}"} \
        --output "$out/$name" --history "$out/history" && results+=("$out/$name/result.json")
    }
    if [ -n "$small" ]; then
      shape=(--width 64 --inner 128 --depth 2 --heads 4 --kv-heads 2 --vocab 200 --warm-up 1 --steps 2)
      measure sft-small 200 sft "${shape[@]}" --rows 2 --length 32 --prompt 8 --rank 4
      measure generate-small 200 generate "${shape[@]}" --sequences 4 --prompt 8 --new 4
      measure_singly generate-small 200 generate "${shape[@]}" --sequences 4 --prompt 8 --new 4
    else
      # SmolLM2-135M's shape and, without its weights on a disk, that of a model with 1.2 billion.
      for shape in "135M 576 1536 30 9 3 49152" "1B 2048 8192 16 32 8 128256"; do
        set -- $shape
        sizes=(--width "$2" --inner "$3" --depth "$4" --heads "$5" --kv-heads "$6" --vocab "$7")
        measure "sft-$1" 130 sft "${sizes[@]}" --rows 4 --length 1024
        measure "generate-$1" 120 generate "${sizes[@]}" --sequences 32 --new 64
        measure_singly "generate-$1" 40 generate "${sizes[@]}" --sequences 32 --new 64
      done
    fi
    [ ${#results[@]} -gt 0 ] || finish
    try results 60 "$attune" bench table "${results[@]}" >/dev/null
    [ ${#singly[@]} = 0 ] || "$attune" bench table "${singly[@]}" | sed -n '3,$ s/^| /| without graphs: /p' >>"$out/results.log"
    finish "$out/results.log"
    ;;
esac
