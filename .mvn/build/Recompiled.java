import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/// Compiles single changed files into the class path that `./attune` has. Files that mention a
/// class whose shape changed ([Shape]) are compiled too, until no shape changes any more.
final class Recompiled {
    private static final int MOST_FILES = 300;

    private final Path root;
    private final Build.Modules modules;
    private final Map<String, Path> outputs = new LinkedHashMap<>();

    private Recompiled(Path root, Build.Modules modules) {
        this.root = root;
        this.modules = modules;
    }

    /// @return whether the classes are up to date now; false where Maven has to build
    static boolean succeeds(Path root, Build.Modules modules, List<Path> changed)
            throws IOException {
        if (changed.isEmpty()) {
            return true;
        }
        var opened = new ArrayList<FileSystem>();
        Path temporary = Files.createTempDirectory("attune-build-");
        try {
            var recompiled = new Recompiled(root, modules);
            return recompiled.openOutputs(opened) && recompiled.compiles(changed, temporary);
        } finally {
            for (FileSystem jar : opened) {
                jar.close();
            }
            delete(temporary);
        }
    }

    /// A jar each, and a folder for the examples, which the launcher takes as it is.
    private boolean openOutputs(List<FileSystem> opened) throws IOException {
        Path lib = root.resolve("cli/target/attune/lib");
        for (String module : modules.sources().keySet()) {
            Path classes = root.resolve("examples/target/classes");
            if (!module.equals("examples")) {
                String name = "attune-" + (module.equals("src") ? "core" : module) + "-";
                Path jar = lib;
                try (Stream<Path> jars = Files.list(lib)) {
                    jar = jars.filter(j -> isJarOf(name, j)).findFirst().orElse(lib);
                }
                if (jar.equals(lib)) {
                    if (module.equals("records")) { // only the compiler's
                        continue;
                    }
                    return false;
                }
                FileSystem system = FileSystems.newFileSystem(jar);
                opened.add(system);
                classes = system.getPath("/");
            }
            if (!Files.isDirectory(classes)) {
                return false;
            }
            outputs.put(module, classes);
        }
        return true;
    }

    private static boolean isJarOf(String start, Path jar) {
        return jar.getFileName()
                .toString()
                .matches(java.util.regex.Pattern.quote(start) + "\\d.*\\.jar");
    }

    private boolean compiles(List<Path> changed, Path temporary) throws IOException {
        var files = new TreeSet<>(changed);
        var fresh = new TreeSet<>(changed);
        while (true) {
            if (files.size() > MOST_FILES
                    || files.stream().anyMatch(f -> !outputs.containsKey(modules.of(f)))) {
                return false;
            }
            System.err.println("attune: compiling " + named(files));
            Path classes = Files.createTempDirectory(temporary, "classes");
            if (!compile(files, classes)) {
                System.err.println("attune: the build failed, see above");
                System.exit(1);
            }
            var differing = new HashSet<String>();
            var replaced = new ArrayList<Replaced>();
            for (Path file : files) {
                var one =
                        Replaced.of(
                                file, outputs.get(modules.of(file)), sourceFolder(file), classes);
                replaced.add(one);
                if (fresh.contains(file)) {
                    if (one.constantsDiffer()) { // their users don't say where they have them from
                        return false;
                    }
                    differing.addAll(one.differing());
                }
            }
            Set<Path> dependents = differing.isEmpty() ? Set.of() : dependents(differing);
            if (dependents.contains(root)) {
                return false;
            }
            fresh = new TreeSet<>(dependents);
            fresh.removeAll(files);
            if (fresh.isEmpty()) {
                for (Replaced one : replaced) {
                    one.write();
                }
                return true;
            }
            files.addAll(fresh);
        }
    }

    private static String named(Set<Path> files) {
        String first = files.iterator().next().getFileName().toString();
        return files.size() == 1
                ? first
                : first + " and " + (files.size() - 1) + " that depend on changes";
    }

    private String sourceFolder(Path file) {
        Path java = modules.sources().get(modules.of(file)).resolve("java");
        return java.relativize(file.getParent()).toString();
    }

    /// With the options of the product's profile in pom.xml.
    private boolean compile(Set<Path> files, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager manager =
                compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            var libraries = new ArrayList<Path>();
            try (Stream<Path> jars = Files.list(root.resolve("cli/target/attune/lib"))) {
                libraries.addAll(jars.toList());
            }
            Path records = root.resolve("records/target/classes");
            libraries.add(records);
            libraries.add(root.resolve("examples/target/classes"));
            manager.setLocationFromPaths(StandardLocation.CLASS_PATH, libraries);
            manager.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(classes));
            manager.setLocationFromPaths(
                    StandardLocation.ANNOTATION_PROCESSOR_PATH, List.of(records));
            var options =
                    List.of(
                            "--release",
                            "25",
                            "-g",
                            "-parameters",
                            "-nowarn",
                            "-Xlint:none",
                            "-proc:full",
                            "--add-modules=jdk.incubator.vector");
            Iterable<? extends JavaFileObject> units = manager.getJavaFileObjectsFromPaths(files);
            return compiler.getTask(null, manager, null, options, null, units).call();
        }
    }

    /// The sources of all classes that mention one of these or of their subclasses; the root among
    /// them where a source can't be found.
    private Set<Path> dependents(Set<String> differing) throws IOException {
        var all = new LinkedHashMap<Path, Mentions>();
        for (Path output : outputs.values()) {
            try (Stream<Path> below = Files.walk(output)) {
                for (Path file : below.filter(f -> f.toString().endsWith(".class")).toList()) {
                    all.put(file, Mentions.of(ClassFile.of().parse(Files.readAllBytes(file))));
                }
            }
        }
        var names = new HashSet<>(differing);
        while (true) {
            int before = names.size();
            all.values().stream()
                    .filter(m -> m.extendsOneOf(names))
                    .forEach(m -> names.add(m.name()));
            if (names.size() == before) {
                break;
            }
        }
        var sources = new TreeSet<Path>();
        for (Mentions one : all.values()) {
            if (one.mentionsOneOf(names)) {
                sources.add(source(one));
            }
        }
        return sources;
    }

    /// What the annotation processor made comes again with the record that it was made for.
    private Path source(Mentions one) {
        String folder = one.name().substring(0, one.name().lastIndexOf('/') + 1);
        for (String file :
                List.of(one.file(), one.file().replaceFirst("Copies\\.java$", ".java"))) {
            for (Path main : modules.sources().values()) {
                Path source = main.resolve("java").resolve(folder + file);
                if (Files.exists(source)) {
                    return source;
                }
            }
        }
        return root;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> below = Files.walk(folder)) {
            for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
