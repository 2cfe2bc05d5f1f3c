package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A page that shows the sources of an exercise.
///
/// @param page in `docs`
/// @param sources folder of the exercise
public record PageCode(Path page, Path sources) {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Pattern CODE = Pattern.compile("(?s)```java\n(.*?)```");

    /// @param page its name in `docs`
    /// @param exercise the last part of its package
    public static PageCode of(String page, String exercise) {
        return new PageCode(
                ROOT.resolve("docs").resolve(page),
                ROOT.resolve("examples/src/test/java/org/attune/examples").resolve(exercise));
    }

    /// The exercise without its test.
    public List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(sources)) {
            return files.filter(f -> !f.toString().endsWith("Test.java")).sorted().toList();
        }
    }

    /// Fails if a piece of code on the page doesn't stand in the files.
    public void assertShown() throws IOException {
        var all = new StringBuilder();
        for (Path file : files()) {
            all.append(flat(Files.readString(file)));
        }
        try (Stream<Path> files = Files.list(sources)) {
            for (Path file : files.filter(f -> f.toString().endsWith("Test.java")).toList()) {
                all.append(flat(Files.readString(file)));
            }
        }
        List<String> shown =
                CODE.matcher(Files.readString(page)).results().map(m -> flat(m.group(1))).toList();
        assertTrue(shown.size() >= 4, page + ": " + shown.size() + " pieces of code");
        for (String code : shown) {
            assertTrue(all.indexOf(code) >= 0, "not in the files: " + code);
        }
    }

    /// Fails if the exercise has more files or lines.
    public void assertSmall(int files, int lines) throws IOException {
        int count = 0;
        for (Path file : files()) {
            count += Files.readAllLines(file).size();
        }
        assertTrue(files().size() <= files, files() + " are more than " + files);
        assertTrue(count <= lines, count + " lines are more than " + lines);
    }

    /// Without indentation and line breaks.
    private static String flat(String code) {
        return code.replaceAll("\\s+", " ").strip() + " ";
    }
}
