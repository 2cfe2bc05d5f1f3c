import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Brings what `./attune` runs up to date with its sources: `java .mvn/Build.java ROOT [examples]`.
///
/// Where only Java files changed since the last build, they are compiled by themselves, with what
/// depends on them ([Recompiled]). Otherwise Maven builds the main classes of all modules
/// ([MavenRun]). Both take the same options, so that both leave the same class files.
final class Build {
    private Build() {}

    public static void main(String[] args) throws Exception {
        Path root = Path.of(args[0]).toAbsolutePath().normalize();
        boolean examples = args.length > 1;
        var modules = Modules.of(root, examples);
        Path marker = root.resolve("cli/target/attune/.built");
        var now = Sources.of(root, modules);
        if (Files.exists(marker)) {
            Optional<List<Path>> changed = now.changedSince(Sources.read(marker));
            if (changed.isPresent() && Recompiled.succeeds(root, modules, changed.get())) {
                now.write(marker);
                return;
            }
        }
        Files.createDirectories(marker.getParent());
        int status = new MavenRun(root, modules).run();
        if (status != 0) {
            System.exit(status);
        }
        now.write(marker);
    }

    /// The modules in the order of their building, with the folder of their main sources.
    record Modules(Map<String, Path> sources) {
        /// For other programs; no command uses them.
        private static final Set<String> BESIDE = Set.of("langchain4j", "springai");

        static Modules of(Path root, boolean examples) throws IOException {
            var sources = new LinkedHashMap<String, Path>();
            for (String line : Files.readAllLines(root.resolve("pom.xml"))) {
                String name = line.strip().replaceFirst("^<module>(\\w+)</module>$", "$1");
                if (!name.equals(line.strip())
                        && !BESIDE.contains(name)
                        && (examples || !name.equals("examples"))) {
                    String main = name.equals("src") ? "src/main" : name + "/src/main";
                    sources.put(name, root.resolve(main));
                }
            }
            return new Modules(sources);
        }

        /// The module of a file of main sources.
        String of(Path file) {
            return sources.entrySet().stream()
                    .filter(module -> file.startsWith(module.getValue()))
                    .findFirst()
                    .orElseThrow()
                    .getKey();
        }
    }

    /// Path relative to the root → time and size of each file that the build reads.
    record Sources(Path root, Map<String, String> files) {
        static Sources of(Path root, Modules modules) throws IOException {
            var files = new TreeMap<String, String>();
            add(root, root.resolve("pom.xml"), files);
            for (var module : modules.sources().entrySet()) {
                add(root, root.resolve(module.getKey()).resolve("pom.xml"), files);
                if (Files.isDirectory(module.getValue())) {
                    try (Stream<Path> below = Files.walk(module.getValue())) {
                        for (Path file : below.filter(Files::isRegularFile).toList()) {
                            add(root, file, files);
                        }
                    }
                }
            }
            return new Sources(root, files);
        }

        private static void add(Path root, Path file, Map<String, String> files)
                throws IOException {
            files.put(
                    root.relativize(file).toString(),
                    Files.getLastModifiedTime(file).toMillis() + " " + Files.size(file));
        }

        static Map<String, String> read(Path marker) throws IOException {
            var files = new TreeMap<String, String>();
            for (String line : Files.readAllLines(marker)) {
                int path = line.indexOf(' ', line.indexOf(' ') + 1);
                files.put(line.substring(path + 1), line.substring(0, path));
            }
            return files;
        }

        /// Written last and whole: a build that is cut off is made again.
        void write(Path marker) throws IOException {
            Path beside = marker.resolveSibling(".built.new");
            Files.write(
                    beside,
                    files.entrySet().stream().map(f -> f.getValue() + " " + f.getKey()).toList());
            Files.move(beside, marker, StandardCopyOption.REPLACE_EXISTING);
        }

        /// The changed Java files; empty where anything else changed too, or a file came or went.
        Optional<List<Path>> changedSince(Map<String, String> before) {
            var changed = new ArrayList<Path>();
            for (var file : files.entrySet()) {
                String old = before.get(file.getKey());
                if (old == null) {
                    return Optional.empty();
                }
                if (!old.equals(file.getValue())) {
                    if (!file.getKey().endsWith(".java")) {
                        return Optional.empty();
                    }
                    changed.add(root.resolve(file.getKey()));
                }
            }
            return files.keySet().containsAll(before.keySet()) || isWithoutExamples(before)
                    ? Optional.of(changed)
                    : Optional.empty();
        }

        /// A build with the examples serves a command that doesn't need them.
        private boolean isWithoutExamples(Map<String, String> before) {
            var gone = new TreeSet<>(before.keySet());
            gone.removeAll(files.keySet());
            return gone.stream().allMatch(path -> path.startsWith("examples/"));
        }
    }
}
