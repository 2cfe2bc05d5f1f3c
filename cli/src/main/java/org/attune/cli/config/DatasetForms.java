package org.attune.cli.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Rewrites the entries of `datasets` as TRL's files have them: `data_files` and `data_dir`, which
/// belong to a path or to the name of a file format.
final class DatasetForms {
    /// Names that `load_dataset` has for file formats; here a file's own form says it.
    private static final Set<String> FORMATS = Set.of("json", "csv", "parquet", "arrow", "text");

    private DatasetForms() {}

    static void resolve(Map<String, Setting> settings, Problems problems) {
        for (String key : List.of("datasets", "eval_datasets")) {
            Setting setting = settings.get(key);
            if (setting != null && setting.value() instanceof YamlNode.Items(var items, int line)) {
                List<YamlNode> entries =
                        items.stream().flatMap(n -> entries(setting, n, problems)).toList();
                settings.put(key, setting.as(key, new YamlNode.Items(entries, line)));
            } else if (setting != null && setting.value() instanceof YamlNode.Fields fields) {
                List<YamlNode> entries = entries(setting, fields, problems).toList();
                settings.put(key, setting.as(key, new YamlNode.Items(entries, fields.line())));
            }
        }
    }

    private static Stream<YamlNode> entries(Setting setting, YamlNode node, Problems problems) {
        if (!(node instanceof YamlNode.Fields(var all, int line))) {
            return Stream.of(node);
        }
        Map<String, YamlNode.Field> fields = new TreeMap<>();
        all.forEach(f -> fields.put(f.key(), f));
        refuseWeight(fields.remove("weight"), setting, problems);
        YamlNode dir = value(fields.remove("data_dir"));
        YamlNode files = value(fields.remove("data_files"));
        String path = value(fields.get("path")) instanceof YamlNode.Scalar s ? s.text() : "";
        if (dir == null && files == null) {
            var same = List.copyOf(fields.values());
            return Stream.of(new YamlNode.Fields(same, line));
        }
        fields.remove("path");
        String folder = FORMATS.contains(path) ? "" : path;
        String inside = dir == null ? folder : join(folder, dir.toString());
        return chosen(files, fields.get("split")).stream()
                .map(
                        file -> {
                            List<YamlNode.Field> entry = new ArrayList<>(fields.values());
                            var whole = new YamlNode.Scalar(join(inside, file), false, line);
                            entry.addFirst(new YamlNode.Field("path", whole, line));
                            return new YamlNode.Fields(entry, line);
                        });
    }

    /// Programs mean two things by it: a share of a data set, or its share of all rows.
    private static void refuseWeight(YamlNode.Field weight, Setting setting, Problems problems) {
        if (value(weight) != null) {
            problems.add(
                    setting.where(),
                    setting.key()
                            + ".weight: "
                            + weight.value()
                            + "; refused: fraction says what share of the rows is of each data set,"
                            + " and the key probabilities how often rows of each come");
        }
    }

    /// Files of the entry's split; one empty name where none are given.
    private static List<String> chosen(YamlNode files, YamlNode.Field split) {
        return switch (files) {
            case null -> List.of("");
            case YamlNode.Items(var items, int _) ->
                    items.stream().map(YamlNode::toString).toList();
            case YamlNode.Fields(var splits, int _) -> {
                String wanted =
                        split == null
                                ? "train"
                                : split.value().toString().replaceFirst("\\[.*", "");
                yield splits.stream()
                        .filter(f -> f.key().equals(wanted))
                        .flatMap(f -> chosen(f.value(), null).stream())
                        .toList();
            }
            case YamlNode.Scalar scalar -> List.of(scalar.text());
        };
    }

    private static YamlNode value(YamlNode.Field field) {
        return field == null || field.value().isNull() ? null : field.value();
    }

    private static String join(String folder, String file) {
        if (folder.isEmpty() || file.isEmpty() || file.startsWith("/") || file.startsWith("~")) {
            return file.isEmpty() ? folder : file;
        }
        return Path.of(folder).resolve(file).toString();
    }
}
