package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.tools.ToolProvider;

/// The programs of `docs/java-frameworks.md`.
public final class PagePrograms {
    private static final Pattern PROGRAM =
            Pattern.compile("(?s)\n```java\n((?:(?!```).)*?public class (\\w+) .*?)\n```");

    private PagePrograms() {}

    /// Compiles those that a module can compile, or fails.
    ///
    /// @param imported a package that they use and the others don't
    /// @param out an empty folder, which gets the classes
    public static void compile(String imported, Path out) throws IOException {
        String page =
                Files.readString(
                        Path.of(System.getProperty("attune.root", ".."))
                                .resolve("docs/java-frameworks.md"));
        List<String> command =
                new ArrayList<>(List.of("-proc:none", "-Werror", "-d", out.toString()));
        Matcher program = PROGRAM.matcher(page);
        while (program.find()) {
            if (program.group(1).contains("import " + imported)
                    && !program.group(1).contains("import jakarta.")) {
                Path file = out.resolve(program.group(2) + ".java");
                command.add(Files.writeString(file, program.group(1)).toString());
            }
        }
        assertTrue(command.size() > 4, "no program imports " + imported);
        var errors = new ByteArrayOutputStream();
        int code =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, errors, command.toArray(String[]::new));
        assertEquals(0, code, () -> errors.toString(StandardCharsets.UTF_8));
    }
}
