#!/usr/bin/env bash
# Packs what a machine with a GPU needs to try Attune: a folder and an archive of it, 55 MiB at most. The machine then
# needs neither a JDK nor Maven, neither the network nor Attune's sources.
#
#   bench/gpu/pack.sh [FOLDER]     default: target/attune-gpu, and target/attune-gpu.tar.gz beside it
#
# Needs a JDK with jlink, and Maven. In the folder:
#   attune, lib/, runtime/         Attune and the part of the JDK that it uses
#   bench/gpu/                     first.sh and its scripts
#   tests/                         the tests of tensors, models, generation and trainers that need no large files
# Left out, since the libtorch of pip takes its place: Attune's own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
kit=${1:-$root/target/attune-gpu}
limit=$((55 << 20))
java=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")}
[ -x "$java/bin/jlink" ] || { echo "pack.sh: $java has no bin/jlink; set JAVA_HOME to a JDK 25 or newer" >&2; exit 2; }
[ -d "$root/cli/target/attune/lib" ] && [ -d "$root/trainers/target/test-classes" ] || {
  echo "pack.sh: Attune isn't built; run: mvn -B -DskipTests package" >&2
  exit 2
}

rm -rf "$kit" "$kit.tar.gz"
mkdir -p "$kit/lib" "$kit/tests/lib" "$kit/bench/gpu"
cp "$root/attune" "$root/cli/src/main/dist/launch.conf" "$root/cli/src/main/dist/compiler.json" "$kit/"
cp "$root"/bench/gpu/first.sh "$root"/bench/gpu/*.py "$kit/bench/gpu/"

# Pictures (java.desktop), rows in Parquet and programs in Java that users bring along (jdk.compiler) are for other machines.
modules=java.base,java.logging,java.management,jdk.management,java.xml,java.net.http,jdk.httpserver,jdk.unsupported,java.sql
modules=$modules,jdk.incubator.vector,java.naming,java.compiler,java.instrument,java.scripting,jdk.zipfs
"$java/bin/jlink" --add-modules "$modules" --output "$kit/runtime" --strip-debug --no-header-files --no-man-pages --compress zip-9

for jar in "$root"/cli/target/attune/lib/*.jar; do
  case ${jar##*/} in
    pytorch-native-cpu* | pytorch-jni*) ;; # libtorch itself
    hardwood* | zstd* | snappy* | lz4* | brotli4j* | native-linux*) ;; # rows in Parquet
    *) cp "$jar" "$kit/lib/" ;;
  esac
done
# Native libraries of other systems.
for jar in "$kit"/lib/{tokenizers,jna}-*.jar; do
  unzip -Z1 "$jar" | grep -E '\.(so|a|dll|dylib|jnilib)$' | grep -vE '(linux|Linux)[-/](x86[-_]64|amd64)(/cpu)?/[^/]*$' >"$kit/others" || true
  [ ! -s "$kit/others" ] || zip -qd -@ "$jar" <"$kit/others"
done
rm -f "$kit/others"

# Tests of what computes. Those with Mockito stay at home: it is large.
for module in src cuda rollout trainers; do
  sources=$root/$module/src/test/java classes=$root/$module/target/test-classes
  [ $module != src ] || sources=$root/src/test/java classes=$root/src/target/test-classes
  (cd "$classes" && zip -qr "$kit/tests/lib/attune-$module-tests.jar" .)
  (cd "$sources" && grep -rLE 'org\.mockito' --include='*Test.java' org/attune/{tensor,optim,model,policy,rollout,trainers} 2>/dev/null) |
    sed 's|/|.|g; s|\.java$||; s|^|-c=|' >>"$kit/tests/classes.txt" || true
done
for module in base text datasets reward agents models; do
  (cd "$root/$module/target/test-classes" && zip -qr "$kit/tests/lib/attune-$module-tests.jar" .)
done
version=$(sed -n 's|.*<junit.version>5\.\(.*\)</junit.version>.*|1.\1|p' "$root/pom.xml")
(cd "$kit" && mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  "-Dartifact=org.junit.platform:junit-platform-console-standalone:$version" "-DoutputDirectory=$kit/tests/lib" </dev/null)

tar cf - -C "$(dirname "$kit")" "$(basename "$kit")" | gzip -9 >"$kit.tar.gz"
bytes=$(stat -c %s "$kit.tar.gz")
echo "$kit.tar.gz: $((bytes >> 20)) MiB"
[ "$bytes" -le $limit ] || { echo "pack.sh: more than the 55 MiB that it may have" >&2; exit 1; }
