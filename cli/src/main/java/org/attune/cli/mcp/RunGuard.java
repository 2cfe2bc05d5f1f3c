package org.attune.cli.mcp;

import org.attune.cli.config.RunPrograms;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// What a run's keys may name if a client gives them: files in the roots, and no program. All
/// values are looked at, whatever their keys, before anything that they name is opened.
///
/// @param roots folders that may be read and written
/// @param programs whether keys may name programs, which can do anything
record RunGuard(Roots roots, boolean programs) {
    /// Keys that send what is in the folders elsewhere, or change where things are read.
    private static final Set<String> NEVER = Set.of("push_to_hub", "hub_token", "env");

    /// Keys whose values are paths even if nothing is there yet.
    private static final Pattern PATHS =
            Pattern.compile(
                    ".*(path|datasets|dataset_name|_dir|_file|rollouts|world|resume|config|deepspeed)");

    private static final Pattern OUTPUTS =
            Pattern.compile(".*(_dir|output_file|samples_file|record_rollouts)");

    private static final Pattern ADDRESS = Pattern.compile("(?i)[a-z][a-z0-9+]+://.*");
    private static final int LONGEST_PATH = 4096;

    /// @param keys of a run, as they are given
    /// @param directory of the run's file; an empty path if there is none
    /// @throws ConfigException if a value isn't allowed
    void require(Map<String, Object> keys, Path directory) {
        keys.forEach(
                (key, value) -> {
                    if (NEVER.contains(key) && !isOff(value)) {
                        throw ConfigException.about(
                                key,
                                "isn't taken from a client of attune mcp; leave it out, or start"
                                        + " the run in a terminal");
                    }
                    if (!programs) {
                        RunPrograms.named(key, value).ifPresent(text -> refuse(key, text));
                    }
                    look(key, value, directory);
                });
    }

    private static boolean isOff(Object value) {
        return value == null || value.toString().matches("(?i)|false|no|null|0|\\{\\}");
    }

    private static void refuse(String key, String text) {
        throw ConfigException.about(
                key,
                "%s is or names a program, which attune mcp doesn't start; take one that is built in, or start it with --allow-programs"
                        .formatted(text));
    }

    private void look(String key, Object value, Path directory) {
        switch (value) {
            case List<?> list -> list.forEach(item -> look(key, item, directory));
            case Map<?, ?> map ->
                    map.forEach(
                            (name, item) ->
                                    look(
                                            item instanceof String && name.equals("path")
                                                    ? "path"
                                                    : key,
                                            item,
                                            directory));
            case null -> {}
            default -> requirePath(key, value.toString(), directory);
        }
    }

    private void requirePath(String key, String text, Path directory) {
        boolean isPath = PATHS.matcher(key).matches();
        if (text.regionMatches(true, 0, "file:", 0, 5)) {
            throw ConfigException.about(key, text + " is an address; write the path alone");
        }
        if (text.isBlank()
                || text.equalsIgnoreCase("null")
                || ADDRESS.matcher(text).matches()
                || text.length() > LONGEST_PATH
                || !isPath && text.indexOf('\n') >= 0) {
            return;
        }
        // Behind # stands the name of a data set in a folder.
        for (String part : text.indexOf('#') > 0 ? text.split("#", 2) : new String[] {text}) {
            requirePart(key, part, directory, isPath);
        }
        if (OUTPUTS.matcher(key).matches()) {
            roots.require(key, text);
        }
    }

    private void requirePart(String key, String part, Path directory, boolean isPath) {
        Path path;
        try {
            path = GivenPath.of(part);
        } catch (ConfigException e) {
            return; // no path: the run's reader says so where one is needed
        }
        boolean climbs = path.isAbsolute() || path.startsWith("..") || part.contains("../");
        for (Path place : List.of(path, directory.resolve(path))) {
            if (Files.exists(place) || isPath && climbs) {
                roots.require(key, place);
            }
        }
    }
}
