package org.attune.cli.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/// Valid input of a reader.
///
/// @param files name in the case's folder → content; the first one is mutated most often
record Sample(Map<String, byte[]> files) {
    static Sample of(String name, byte[] content) {
        var files = new LinkedHashMap<String, byte[]>();
        files.put(name, content);
        return new Sample(files);
    }

    static Sample of(String name, String text) {
        return of(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /// The same with another file.
    Sample with(String name, byte[] content) {
        var more = new LinkedHashMap<>(files);
        more.put(name, content);
        return new Sample(more);
    }

    Sample with(String name, String text) {
        return with(name, text.getBytes(StandardCharsets.UTF_8));
    }

    long bytes() {
        return files.values().stream().mapToLong(content -> content.length).sum();
    }

    /// Fills an empty folder.
    void write(Path folder) throws IOException {
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.write(path, file.getValue());
        }
    }

    /// What a folder holds.
    static Sample read(Path folder) throws IOException {
        var files = new LinkedHashMap<String, byte[]>();
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path :
                    (Iterable<Path>) paths.filter(Files::isRegularFile).sorted()::iterator) {
                files.put(folder.relativize(path).toString(), Files.readAllBytes(path));
            }
        }
        return new Sample(files);
    }
}
