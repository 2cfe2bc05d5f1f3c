package org.attune.cli.config;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.text.JinjaChatTemplate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Finds what a run's keys name as files and folders, by the rule of [GivenPath]: those of the
/// run's file also beside it, those of the command line only from where the command runs.
final class PathKeys {
    private static final Set<String> INPUTS =
            Set.of(
                    "model_name_or_path",
                    "adapter_name_or_path",
                    "ref_model_name_or_path",
                    "reward_model_path",
                    "value_model_path",
                    "teacher_model_name_or_path",
                    "teacher_adapter_name_or_path",
                    "chat_template_path",
                    "recorded_rollouts",
                    "resume");
    private static final Set<String> DATASETS = Set.of("datasets", "eval_datasets");
    private static final Set<String> OUTPUTS =
            Set.of(
                    "output_dir",
                    "output_file",
                    "precompute_ref_cache_dir",
                    "image_cache_dir",
                    "record_rollouts",
                    "rollout_server_adapter_dir",
                    "samples_file");

    /// Fields of a reward that are paths.
    private static final Set<String> REWARD_PATHS = Set.of("model", "file", "schema_file");

    /// What is no name in the hub's cache.
    private static final Pattern FILE =
            Pattern.compile(
                    "(?i).*\\.(jsonl?|csv|parquet|arrows?|feather|ipc|txt|gguf|java|jinja|zst|gz|safetensors)|[./~$].*");

    private final Path directory;
    private final Problems problems;
    private final Problems missing;

    private PathKeys(Path directory, Problems problems, Problems missing) {
        this.directory = directory;
        this.problems = problems;
        this.missing = missing;
    }

    /// Changes the map in place.
    ///
    /// @param directory of the run's file
    /// @param missing takes inputs that are nowhere
    static void resolve(
            Map<String, Setting> settings, Path directory, Problems problems, Problems missing) {
        for (Setting setting : List.copyOf(settings.values())) {
            Path beside = setting.fromFile() ? directory : Path.of("");
            YamlNode value = new PathKeys(beside, problems, missing).resolved(setting);
            settings.put(setting.key(), setting.as(setting.key(), value));
        }
    }

    private YamlNode resolved(Setting setting) {
        String key = setting.key();
        YamlNode value = setting.value();
        if (value.isNull()) {
            return value;
        }
        if (DATASETS.contains(key)) {
            return each(value, item -> dataset(setting, item));
        }
        if (key.equals("eval_tasks")) {
            return each(value, item -> task(setting, item));
        }
        if (key.equals("reward_funcs")) {
            return each(value, item -> reward(setting, item));
        }
        if (key.equals("teacher_models") && value instanceof YamlNode.Fields fields) {
            Set<String> domains =
                    fields.fields().stream()
                            .map(YamlNode.Field::key)
                            .collect(Collectors.toUnmodifiableSet());
            return with(fields, domains, s -> input(setting, key, s));
        }
        if (!(value instanceof YamlNode.Scalar scalar)) {
            return value;
        }
        if (OUTPUTS.contains(key)) {
            return expanded(setting, scalar);
        }
        boolean latest = key.equals("resume") && scalar.text().matches("(?i)true|false|yes|no|1|0");
        return INPUTS.contains(key) && !latest ? input(setting, key, scalar) : value;
    }

    private static YamlNode each(YamlNode value, UnaryOperator<YamlNode> change) {
        return value instanceof YamlNode.Items(List<YamlNode> items, int line)
                ? new YamlNode.Items(items.stream().map(change).toList(), line)
                : change.apply(value);
    }

    private YamlNode dataset(Setting setting, YamlNode item) {
        return switch (item) {
            case YamlNode.Scalar scalar -> input(setting, setting.key(), scalar);
            case YamlNode.Fields fields ->
                    with(fields, Set.of("path"), s -> input(setting, setting.key() + ".path", s));
            case YamlNode.Items items -> items;
        };
    }

    private YamlNode task(Setting setting, YamlNode item) {
        return item instanceof YamlNode.Fields fields
                ? with(fields, Set.of("data"), s -> input(setting, "eval_tasks.data", s))
                : item;
    }

    private YamlNode reward(Setting setting, YamlNode item) {
        return switch (item) {
            case YamlNode.Scalar scalar ->
                    scalar.text().endsWith(".java") || isFolder(scalar)
                            ? input(setting, setting.key(), scalar)
                            : scalar;
            case YamlNode.Fields fields ->
                    with(fields, REWARD_PATHS, s -> input(setting, setting.key(), s));
            case YamlNode.Items items -> items;
        };
    }

    private boolean isFolder(YamlNode.Scalar scalar) {
        return scalar.text().contains("/")
                && !scalar.text().startsWith("class:")
                && GivenPath.exists(scalar.text(), directory);
    }

    private static YamlNode with(
            YamlNode.Fields fields, Set<String> keys, Function<YamlNode.Scalar, YamlNode> change) {
        List<YamlNode.Field> changed = new ArrayList<>();
        for (YamlNode.Field field : fields.fields()) {
            boolean path =
                    keys.contains(field.key())
                            && field.value() instanceof YamlNode.Scalar s
                            && !s.isNull();
            changed.add(
                    path
                            ? new YamlNode.Field(
                                    field.key(),
                                    change.apply((YamlNode.Scalar) field.value()),
                                    field.line())
                            : field);
        }
        return new YamlNode.Fields(changed, fields.line());
    }

    private YamlNode expanded(Setting setting, YamlNode.Scalar scalar) {
        try {
            return text(scalar, GivenPath.of(scalar.text()).toString());
        } catch (ConfigException e) {
            problems.add(setting.where(), setting.key() + ": " + e.getMessage());
            return scalar;
        }
    }

    private YamlNode input(Setting setting, String key, YamlNode.Scalar scalar) {
        if (scalar.isNull() || scalar.text().isBlank()) {
            return scalar; // what is missing is told by those who need it
        }
        if (key.equals("chat_template_path")
                && JinjaChatTemplate.NAMES.contains(scalar.text())
                && !GivenPath.exists(scalar.text(), directory)) {
            return scalar;
        }
        // Behind # stands the name of a data set in the folder.
        String whole = scalar.text();
        try {
            int hash = DATASETS.contains(setting.key()) ? whole.lastIndexOf('#') : -1;
            boolean named = hash > 0 && !GivenPath.exists(whole, directory);
            String path = named ? whole.substring(0, hash) : whole;
            if (!GivenPath.exists(path, directory) && mustExist(setting.key(), path)) {
                missing.add(
                        setting.where(),
                        "%s: %s: no such file or folder; looked at %s"
                                .formatted(key, path, GivenPath.lookedAt(path, directory)));
            }
            String tail = named ? whole.substring(hash) : "";
            return text(scalar, GivenPath.shown(path, directory) + tail);
        } catch (ConfigException e) {
            problems.add(setting.where(), key + ": " + e.getMessage());
            return scalar;
        }
    }

    private static boolean mustExist(String key, String path) {
        boolean hasName =
                !Set.of("chat_template_path", "recorded_rollouts", "resume").contains(key);
        return !hasName || FILE.matcher(path).matches() || !HubCache.isRepositoryName(path);
    }

    private static YamlNode text(YamlNode.Scalar scalar, String text) {
        return new YamlNode.Scalar(text, false, scalar.line());
    }
}
