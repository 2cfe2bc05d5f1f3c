package org.attune.cli.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Rewrites TRL's other spellings into the keys that the records have.
final class KeyAliases {
    private final Map<String, Setting> settings;
    private final Problems problems;

    private KeyAliases(Map<String, Setting> settings, Problems problems) {
        this.settings = settings;
        this.problems = problems;
    }

    /// Changes the map in place.
    static void resolve(Map<String, Setting> settings, Problems problems) {
        var aliases = new KeyAliases(settings, problems);
        aliases.datasetName();
        aliases.renamed("resume_from_checkpoint", "resume");
        aliases.renamed("response_length", "max_completion_length");
        aliases.device();
        aliases.dtype();
    }

    private void datasetName() {
        Setting name = takeGiven("dataset_name");
        Setting config = takeGiven("dataset_config");
        Setting trainSplit = takeGiven("dataset_train_split");
        Setting testSplit = takeGiven("dataset_test_split");
        if (name == null) {
            for (Setting alone : new Setting[] {config, trainSplit, testSplit}) {
                if (alone != null) {
                    problems.add(
                            alone.where(),
                            alone.key()
                                    + ": "
                                    + alone.value()
                                    + "; accepted: only beside dataset_name; datasets have name and"
                                    + " split of their own");
                }
            }
            return;
        }
        if (settings.containsKey("datasets")) {
            bothGiven(name, settings.get("datasets"));
            return;
        }
        settings.put("datasets", name.as("datasets", source(name, config, trainSplit)));
        Setting strategy = settings.get("eval_strategy");
        boolean evaluates =
                strategy != null && !List.of("no", "false").contains(strategy.value().toString());
        if (evaluates
                && !settings.containsKey("eval_datasets")
                && !settings.containsKey("test_split_size")) {
            Setting split =
                    testSplit != null
                            ? testSplit
                            : name.as("split", new YamlNode.Scalar("test", false, 0));
            settings.put("eval_datasets", name.as("eval_datasets", source(name, config, split)));
        }
    }

    private static YamlNode source(Setting path, Setting name, Setting split) {
        List<YamlNode.Field> fields = new ArrayList<>();
        fields.add(new YamlNode.Field("path", path.value(), path.value().line()));
        if (name != null) {
            fields.add(new YamlNode.Field("name", name.value(), name.value().line()));
        }
        if (split != null) {
            fields.add(new YamlNode.Field("split", split.value(), split.value().line()));
        }
        int line = path.value().line();
        return new YamlNode.Items(List.of(new YamlNode.Fields(fields, line)), line);
    }

    private void renamed(String other, String key) {
        Setting given = takeGiven(other);
        if (given == null) {
            return;
        }
        Setting before = settings.putIfAbsent(key, given.as(key, given.value()));
        if (before != null) {
            bothGiven(given, before);
        }
    }

    private void device() {
        Setting useCpu = takeGiven("use_cpu");
        if (useCpu == null || !truth(useCpu)) {
            return;
        }
        YamlNode cpu = new YamlNode.Scalar("cpu", false, useCpu.value().line());
        Setting device = settings.putIfAbsent("device", useCpu.as("device", cpu));
        if (device != null && !device.value().toString().equals("cpu")) {
            bothGiven(useCpu, device);
        }
    }

    /// TRL's `bf16` is autocast: weights in float32, products in bfloat16, which is what
    /// `dtype: bfloat16` means for a trained model here.
    private void dtype() {
        Setting bf16 = takeGiven("bf16");
        if (bf16 == null) {
            return;
        }
        Setting dtype = settings.get("dtype");
        boolean named = dtype != null && dtype.value().toString().equals("bfloat16");
        if (!named) {
            String value = truth(bf16) ? "bfloat16" : "float32";
            settings.put(
                    "dtype",
                    bf16.as("dtype", new YamlNode.Scalar(value, false, bf16.value().line())));
        }
    }

    private boolean truth(Setting setting) {
        try {
            return (boolean) ScalarValues.convert(boolean.class, setting.value());
        } catch (BadValue e) {
            problems.add(setting.where(), e.about(setting.key()));
            return false;
        }
    }

    private Setting takeGiven(String key) {
        Setting setting = settings.remove(key);
        return setting == null || setting.value().isNull() ? null : setting;
    }

    private void bothGiven(Setting one, Setting other) {
        problems.add(
                one.where(),
                one.key()
                        + ": "
                        + one.value()
                        + "; accepted: one of "
                        + one.key()
                        + " and "
                        + other.key()
                        + " ("
                        + other.where()
                        + ")");
    }
}
