package org.attune.files;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The one rule for paths that users write. `~` is the home folder, `$NAME` and `${NAME}` are
/// variables of the environment. A relative path starts at the folder in which the process runs;
/// what is read is also looked for beside the run's file that names it.
public final class GivenPath {
    private static final Pattern VARIABLE =
            Pattern.compile("\\$(?:\\{([A-Za-z_][A-Za-z0-9_]*)\\}|([A-Za-z_][A-Za-z0-9_]*))");

    private GivenPath() {}

    /// The text with `~` and variables replaced.
    ///
    /// @throws ConfigException if a variable is not set
    public static String expand(String given) {
        return expand(given, System.getenv());
    }

    static String expand(String given, Map<String, String> environment) {
        String text = given;
        if (text.equals("~") || text.startsWith("~/")) {
            text = System.getProperty("user.home") + text.substring(1);
        }
        if (text.indexOf('$') < 0) {
            return text;
        }
        Matcher variable = VARIABLE.matcher(text);
        return variable.replaceAll(
                found -> {
                    String name = Optional.ofNullable(found.group(1)).orElse(found.group(2));
                    String value = environment.get(name);
                    if (value == null) {
                        throw new ConfigException(
                                given
                                        + ": the environment variable "
                                        + name
                                        + " is not set; set it or write the path out");
                    }
                    return Matcher.quoteReplacement(value);
                });
    }

    /// The path that a text means.
    ///
    /// @throws ConfigException if a variable is not set, or no path can have this text
    public static Path of(String given) {
        try {
            return Path.of(expand(given));
        } catch (InvalidPathException e) {
            throw new ConfigException(given + " is no path: " + e.getReason(), e);
        }
    }

    /// The file or folder that is to be read: the one in the folder in which the process runs, else
    /// the one beside the run's file. If there is neither, the first of these places.
    ///
    /// @param directory of the run's file; an empty path if it doesn't matter
    /// @throws ConfigException if both are there and are not the same
    public static Path input(String given, Path directory) {
        List<Path> there = places(given, directory).stream().filter(Files::exists).toList();
        if (there.size() > 1 && !isSame(there.getFirst(), there.getLast())) {
            throw new ConfigException(
                    "%s may be %s or %s; write one of these"
                            .formatted(
                                    given, absolute(there.getFirst()), absolute(there.getLast())));
        }
        return there.isEmpty() ? of(given) : there.getFirst();
    }

    /// Whether an input is there.
    public static boolean exists(String given, Path directory) {
        return places(given, directory).stream().anyMatch(Files::exists);
    }

    /// The absolute paths at which an input is looked for, for messages.
    public static String lookedAt(String given, Path directory) {
        return places(given, directory).stream()
                .map(path -> absolute(path).toString())
                .distinct()
                .collect(Collectors.joining(" and at "));
    }

    /// The path of an input as it is written down: unchanged where it is found from the folder in
    /// which the process runs, else so that it is found from there.
    public static String shown(String given, Path directory) {
        Path found = input(given, directory);
        return found.isAbsolute() && !of(given).isAbsolute()
                ? fromHere(found).toString()
                : expand(given);
    }

    /// The path from the folder in which the process runs; unchanged if it lies elsewhere.
    public static Path fromHere(Path path) {
        Path here = Path.of("").toAbsolutePath();
        return path.startsWith(here) ? here.relativize(path) : path;
    }

    private static List<Path> places(String given, Path directory) {
        Path path = of(given);
        if (path.isAbsolute() || directory.toString().isEmpty()) {
            return List.of(path);
        }
        Path beside = absolute(directory.resolve(path));
        return beside.equals(absolute(path)) ? List.of(path) : List.of(path, beside);
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            return false; // then both are named
        }
    }
}
