package org.attune.datasets;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;

import org.attune.error.DatasetException;
import org.attune.error.Excerpt;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;

/// Reads a data set's card, its `README.md`: the files that `configs:` lists.
final class DatasetCard {
    private static final int LONGEST = 1 << 19;
    private static final String MARK = "---";

    private final Path file;
    private final Map<String, Config> configs;

    private DatasetCard(Path file, Map<String, Config> configs) {
        this.file = file;
        this.configs = configs;
    }

    /// @param folder   that holds its files, or "" for all
    /// @param patterns of its files' paths, by split; empty if names of files say the split
    /// @param standard whether it is the one where none is asked for
    record Config(String folder, Map<String, List<String>> patterns, boolean standard) {}

    /// The card of a folder, if it says where files are.
    ///
    /// @throws DatasetException if its head is damaged
    static Optional<DatasetCard> in(Path folder) {
        Path file = folder.resolve("README.md");
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            String text = GivenText.read(file).replace("\r\n", "\n");
            int end = text.indexOf("\n" + MARK, MARK.length());
            if (!text.startsWith(MARK + "\n") || end < 0 || end > LONGEST) {
                return Optional.empty();
            }
            JsonNode head =
                    new ObjectMapper(new YAMLFactory())
                            .readTree(text.substring(MARK.length() + 1, end + 1));
            var configs = new LinkedHashMap<String, Config>();
            for (JsonNode config : head.path("configs")) {
                if (config.has("data_files") || config.has("data_dir")) {
                    configs.put(config.path("config_name").asText("default"), config(config, file));
                }
            }
            return configs.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new DatasetCard(file, configs));
        } catch (JacksonException e) {
            throw new DatasetException(
                    "%s: the head between the lines %s isn't YAML: %s"
                            .formatted(file, MARK, e.getOriginalMessage()),
                    e);
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + e.getMessage(), e);
        }
    }

    private static Config config(JsonNode config, Path file) {
        var patterns = new LinkedHashMap<String, List<String>>();
        JsonNode files = config.path("data_files");
        for (JsonNode one : files.isArray() ? files : List.of(files)) {
            String split = one.isObject() ? one.path("split").asText("") : "train";
            JsonNode paths = one.isObject() ? one.path("path") : one;
            for (JsonNode path : paths.isArray() ? paths : List.of(paths)) {
                if (path.isTextual()) {
                    patterns.computeIfAbsent(split, _ -> new ArrayList<>()).add(path.asText());
                } else if (!path.isMissingNode()) {
                    throw new DatasetException(
                            "%s: data_files holds %s; a path is accepted, a list of paths, or of {split, path}"
                                    .formatted(file, Excerpt.of(path)));
                }
            }
        }
        return new Config(
                config.path("data_dir").asText(""),
                patterns,
                config.path("default").asBoolean(false));
    }

    /// The configuration of that name; without a name the standard one or the only one.
    ///
    /// @return empty if there is none of that name
    /// @throws DatasetException if a name is needed
    Optional<Config> config(Optional<String> name) {
        if (name.isPresent()) {
            return Optional.ofNullable(configs.get(name.get()));
        }
        return Optional.of(
                configs.values().stream()
                        .filter(Config::standard)
                        .findFirst()
                        .or(() -> Optional.ofNullable(configs.get("default")))
                        .or(
                                () ->
                                        configs.size() == 1
                                                ? configs.values().stream().findFirst()
                                                : Optional.empty())
                        .orElseThrow(
                                () ->
                                        new DatasetException(
                                                "%s names several subsets; say which with name: (in a dataset_info.json, with subset): %s"
                                                        .formatted(
                                                                file,
                                                                String.join(
                                                                        " | ",
                                                                        configs.keySet())))));
    }

    /// The files of a folder that a split's patterns name.
    ///
    /// @param all    the folder's files
    /// @throws DatasetException if the configuration has no such split, or a pattern finds nothing
    List<Path> files(Config config, List<Path> all, String split) {
        Path folder = file.getParent();
        List<String> patterns = config.patterns().get(split);
        if (patterns == null) {
            throw new DatasetException(
                    "%s has no split \"%s\"; it has %s"
                            .formatted(file, split, String.join(", ", config.patterns().keySet())));
        }
        var found = new ArrayList<Path>();
        for (String pattern : patterns) {
            List<Path> some =
                    all.stream()
                            .filter(one -> matches(folder.relativize(one), pattern))
                            .filter(one -> !found.contains(one))
                            .toList();
            if (some.isEmpty()
                    && all.stream().noneMatch(one -> matches(folder.relativize(one), pattern))) {
                throw new DatasetException(
                        "%s: no file here fits %s, which the split %s names"
                                .formatted(file, Excerpt.of(pattern), split));
            }
            found.addAll(some);
        }
        return found;
    }

    /// Whether a path matches a pattern as in Python's glob: `**/` matches no folder too.
    private boolean matches(Path relative, String pattern) {
        String plain = pattern.startsWith("./") ? pattern.substring(2) : pattern;
        try {
            PathMatcher one = FileSystems.getDefault().getPathMatcher("glob:" + plain);
            PathMatcher without =
                    FileSystems.getDefault().getPathMatcher("glob:" + plain.replace("**/", ""));
            return one.matches(relative) || plain.contains("**/") && without.matches(relative);
        } catch (PatternSyntaxException e) {
            throw new DatasetException(
                    "%s: %s is no pattern of files".formatted(file, Excerpt.of(pattern)), e);
        }
    }
}
