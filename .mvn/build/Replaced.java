import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The classes of one source before and after.
record Replaced(Path folder, Map<String, byte[]> before, Map<String, byte[]> after) {
    static Replaced of(Path file, Path output, String packageFolder, Path classes)
            throws IOException {
        String name = file.getFileName().toString();
        Path folder = output.resolve(packageFolder);
        return new Replaced(
                folder, classes(folder, name), classes(classes.resolve(packageFolder), name));
    }

    private static Map<String, byte[]> classes(Path folder, String source) throws IOException {
        var found = new TreeMap<String, byte[]>();
        if (Files.isDirectory(folder)) {
            String made = source.replaceFirst("\\.java$", "Copies.java");
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                    byte[] bytes = Files.readAllBytes(file);
                    String from = Shape.sourceFile(ClassFile.of().parse(bytes));
                    if (from.equals(source) || from.equals(made)) {
                        found.put(file.getFileName().toString(), bytes);
                    }
                }
            }
        }
        return found;
    }

    Set<String> differing() {
        Map<String, String> was = Shape.all(before.values());
        Map<String, String> is = Shape.all(after.values());
        var names = new HashSet<>(was.keySet());
        names.addAll(is.keySet());
        names.removeIf(name -> was.getOrDefault(name, "").equals(is.getOrDefault(name, "")));
        return names;
    }

    boolean constantsDiffer() {
        return !Shape.constants(before.values()).equals(Shape.constants(after.values()));
    }

    void write() throws IOException {
        for (String name : before.keySet()) {
            if (!after.containsKey(name)) {
                Files.delete(folder.resolve(name));
            }
        }
        for (var file : after.entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
    }
}
