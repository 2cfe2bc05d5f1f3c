package org.attune.datasets.formats;

import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.datasets.formats.LlamaFactorySpec.Part;
import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;
import org.attune.error.Spelling;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// LLaMA-Factory's `dataset_info.json`: what the files of a folder hold.
///
/// @param file     where it lies
/// @param datasets the data sets by name, in file order
/// @param faults   what is wrong with others, by name: they fail where they are asked for
public record DatasetInfo(
        Path file, Map<String, LlamaFactorySpec> datasets, Map<String, Fault> faults) {
    /// The name of the file in its folder.
    public static final String FILE_NAME = "dataset_info.json";

    private static final List<String> HUGGING_FACE =
            List.of("citation", "description", "homepage", "license", "builder_name");

    private static final List<String> KNOWN =
            List.of(
                    "file_name",
                    "hf_hub_url",
                    "formatting",
                    "ranking",
                    "columns",
                    "tags",
                    "num_samples",
                    "ms_hub_url",
                    "om_hub_url",
                    "cloud_file_name",
                    "script_url",
                    "folder",
                    "subset",
                    "split");

    /// @param fileName where the entry says that its rows are, or ""
    public record Fault(String fileName, String message) {}

    /// The file in `folder`, if there is one.
    ///
    /// @throws DatasetException if it is damaged
    public static Optional<DatasetInfo> in(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return Files.isRegularFile(file) && !isOfHuggingFace(entries(file))
                ? Optional.of(read(file))
                : Optional.empty();
    }

    /// Hugging Face `datasets` writes a file of the same name, about one data set; here each entry
    /// is an object.
    private static boolean isOfHuggingFace(Map<?, ?> entries) {
        return HUGGING_FACE.stream().anyMatch(key -> entries.get(key) instanceof String);
    }

    /// Reads `file`.
    ///
    /// @throws DatasetException if it is damaged
    public static DatasetInfo read(Path file) {
        Map<?, ?> entries = entries(file);
        var datasets = new LinkedHashMap<String, LlamaFactorySpec>();
        var faults = new LinkedHashMap<String, Fault>();
        entries.forEach(
                (key, entry) -> {
                    String name = key.toString();
                    String where = file + ": " + Excerpt.of(name);
                    try {
                        datasets.put(name, spec(name, object(entry, where), where));
                    } catch (DatasetException e) {
                        boolean named =
                                entry instanceof Map<?, ?> map
                                        && map.get("file_name") instanceof String;
                        String fileName =
                                named ? ((Map<?, ?>) entry).get("file_name").toString() : "";
                        faults.put(name, new Fault(fileName, e.getMessage()));
                    }
                });
        return new DatasetInfo(file, datasets, faults);
    }

    private static Map<?, ?> entries(Path file) {
        String text;
        try {
            text = GivenText.read(file);
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + e.getMessage(), e);
        }
        if (!(JsonValues.parse(text, file.toString()) instanceof Map<?, ?> entries)) {
            throw new DatasetException(file + ": an object {name: {…}} is accepted");
        }
        return entries;
    }

    /// The data set of that name.
    ///
    /// @throws DatasetException if there is none, with the nearest name
    public LlamaFactorySpec named(String name) {
        if (faults.containsKey(name)) {
            throw new DatasetException(faults.get(name).message());
        }
        LlamaFactorySpec spec = datasets.get(name);
        if (spec == null) {
            String near =
                    Spelling.nearest(name, datasets.keySet())
                            .map(other -> "; did you mean " + other + "?")
                            .orElse("");
            throw new DatasetException(
                    "%s has no data set \"%s\"%s; it has %s"
                            .formatted(file, name, near, String.join(", ", datasets.keySet())));
        }
        return spec;
    }

    /// The data sets that lie in the file of that name.
    ///
    /// @throws DatasetException if one of them is described wrongly
    public List<LlamaFactorySpec> of(String fileName) {
        for (Fault fault : faults.values()) {
            if (fault.fileName().equals(fileName)) {
                throw new DatasetException(fault.message());
            }
        }
        return datasets.values().stream()
                .filter(spec -> !spec.onHub() && spec.location().equals(fileName))
                .toList();
    }

    private static LlamaFactorySpec spec(String name, Map<?, ?> entry, String where) {
        entry.keySet().forEach(key -> requireKnown(key.toString(), where));
        refuseOtherPlaces(entry, where);
        Formatting formatting = formatting(entry.get("formatting"), where);
        boolean alpaca = formatting == Formatting.ALPACA;
        Map<String, String> columns =
                entry.get("columns") == null
                        ? alpaca
                                ? LlamaFactorySpec.ALPACA_COLUMNS
                                : LlamaFactorySpec.SHAREGPT_COLUMNS
                        : names(
                                entry.get("columns"),
                                LlamaFactorySpec.COLUMNS,
                                where + ": columns");
        Map<String, String> tags =
                entry.get("tags") == null
                        ? LlamaFactorySpec.SHAREGPT_TAGS
                        : names(entry.get("tags"), LlamaFactorySpec.TAGS, where + ": tags");
        boolean ranking = ranking(entry.get("ranking"), where);
        OptionalLong samples = samples(entry.get("num_samples"), where);
        boolean onHub = entry.get("hf_hub_url") != null && entry.get("file_name") == null;
        Object location = entry.get(onHub ? "hf_hub_url" : "file_name");
        if (!(location instanceof String text)) {
            throw new DatasetException(
                    "%s: neither file_name nor hf_hub_url says where the data is; the keys are %s, accepted are %s"
                            .formatted(where, entry.keySet(), KNOWN));
        }
        var part =
                new Part(
                        text(entry, "folder", where),
                        text(entry, "subset", where),
                        text(entry, "split", where));
        return new LlamaFactorySpec(
                name, text, onHub, formatting, ranking, columns, tags, samples, part);
    }

    private static Optional<String> text(Map<?, ?> entry, String key, String where) {
        Object value = entry.get(key);
        if (value == null || value instanceof String text && !text.isBlank()) {
            return Optional.ofNullable((String) value);
        }
        throw new DatasetException(
                "%s: %s is %s; a name is accepted"
                        .formatted(
                                where,
                                key,
                                value instanceof String ? "empty" : JsonValues.kind(value)));
    }

    /// Rows that a program makes or that lie elsewhere are not those of a file beside it.
    private static void refuseOtherPlaces(Map<?, ?> entry, String where) {
        for (String key : List.of("script_url", "cloud_file_name")) {
            if (entry.get(key) != null) {
                throw new DatasetException(
                        "%s: %s is not supported: rows are read from files here; save them as a file, say file_name, and remove %s"
                                .formatted(where, key, key));
            }
        }
    }

    private static void requireKnown(String key, String where) {
        if (!KNOWN.contains(key)) {
            throw new DatasetException(
                    "%s: the key %s is unknown%s; accepted are %s"
                            .formatted(
                                    where,
                                    Excerpt.of(key),
                                    Spelling.nearest(key, KNOWN)
                                            .map(near -> ", did you mean " + near + "?")
                                            .orElse(""),
                                    String.join(", ", KNOWN)));
        }
    }

    private static boolean ranking(Object value, String where) {
        if (value == null || value instanceof Boolean) {
            return Boolean.TRUE.equals(value);
        }
        throw new DatasetException(
                "%s: ranking is %s; true or false is accepted"
                        .formatted(where, JsonValues.kind(value)));
    }

    private static OptionalLong samples(Object value, String where) {
        if (value == null) {
            return OptionalLong.empty();
        }
        if (value instanceof Long count && count > 0) {
            return OptionalLong.of(count);
        }
        throw new DatasetException(
                "%s: num_samples is %s; a whole number from 1 on is accepted"
                        .formatted(where, value instanceof Long ? value : JsonValues.kind(value)));
    }

    private static Formatting formatting(Object value, String where) {
        String text = value == null ? "alpaca" : value.toString();
        for (Formatting formatting : Formatting.values()) {
            if (formatting.name().toLowerCase(Locale.ROOT).equals(text)) {
                return formatting;
            }
        }
        throw new DatasetException(
                where + ": formatting is " + text + "; accepted are alpaca, sharegpt, openai");
    }

    private static Map<String, String> names(Object value, List<String> accepted, String where) {
        var names = new LinkedHashMap<String, String>();
        object(value, where)
                .forEach(
                        (ours, theirs) -> {
                            if (!accepted.contains(ours.toString())) {
                                throw new DatasetException(
                                        "%s: %s is not supported; accepted are %s"
                                                .formatted(where, ours, accepted));
                            }
                            if (theirs != null && !(theirs instanceof String)) {
                                throw new DatasetException(
                                        "%s: %s is %s; a name is accepted"
                                                .formatted(where, ours, JsonValues.kind(theirs)));
                            }
                            if (theirs != null) {
                                names.put(ours.toString(), theirs.toString());
                            }
                        });
        return names;
    }

    private static Map<?, ?> object(Object value, String where) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new DatasetException(
                where + ": " + JsonValues.kind(value) + ", an object is accepted");
    }
}
