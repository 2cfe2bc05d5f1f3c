package org.attune.cli.config;

import org.attune.trainers.report.RunReporters;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Rewrites TRL's other spellings into the keys that the records have.
final class KeyAliases {
    /// What TRL reads of a dataset where nothing is said.
    private static final Map<String, String> SPLITS =
            Map.of("dataset_train_split", "train", "dataset_test_split", "test");

    /// Where transformers reports to and Attune doesn't.
    private static final Set<String> SERVICES =
            Set.of(
                    "all",
                    "comet_ml",
                    "clearml",
                    "neptune",
                    "swanlab",
                    "azure_ml",
                    "codecarbon",
                    "dagshub",
                    "dvclive",
                    "flyte");

    private final Map<String, Setting> settings;
    private final List<String> notes;
    private final Problems problems;

    private KeyAliases(Map<String, Setting> settings, List<String> notes, Problems problems) {
        this.settings = settings;
        this.notes = notes;
        this.problems = problems;
    }

    /// Changes the map in place.
    ///
    /// @param notes takes what was given and has no effect
    static void resolve(Map<String, Setting> settings, List<String> notes, Problems problems) {
        var aliases = new KeyAliases(settings, notes, problems);
        aliases.maskedTokens();
        aliases.services();
        aliases.renamed("evaluation_strategy", "eval_strategy");
        aliases.datasetName();
        DatasetForms.resolve(settings, problems);
        aliases.renamed("resume_from_checkpoint", "resume");
        aliases.renamed("response_length", "max_completion_length");
        aliases.renamed("torch_dtype", "dtype");
        aliases.renamed("max_seq_length", "max_length");
        aliases.renamed("teacher_top_k", "loss_top_k");
        aliases.renamed("add_tail_bucket", "loss_add_tail");
        aliases.renamed("bnb_4bit_compute_dtype", "dtype");
        aliases.renamed("bnb_4bit_use_double_quant", "use_bnb_nested_quant");
        QuantisationKeys.resolve(settings, problems);
        aliases.modelArguments();
        aliases.teacherArguments();
        aliases.byLength();
        aliases.cpu("use_cpu");
        aliases.cpu("no_cuda");
        aliases.dtype();
    }

    private void datasetName() {
        Setting name = takeGiven("dataset_name");
        Setting config = takeGiven("dataset_config");
        Setting trainSplit = takeGiven("dataset_train_split");
        Setting testSplit = takeGiven("dataset_test_split");
        if (name == null) {
            for (Setting alone : new Setting[] {config, trainSplit, testSplit}) {
                if (alone != null && !alone.value().toString().equals(SPLITS.get(alone.key()))) {
                    problems.add(
                            alone.where(),
                            alone.key()
                                    + ": "
                                    + alone.value()
                                    + "; accepted: only beside dataset_name; datasets have name and"
                                    + " split themselves");
                }
            }
            return;
        }
        if (isGiven("datasets")) {
            bothGiven(name, settings.get("datasets"));
            return;
        }
        settings.put("datasets", name.as("datasets", source(name, config, trainSplit)));
        Setting strategy = settings.get("eval_strategy");
        boolean evaluates =
                strategy != null && !List.of("no", "false").contains(strategy.value().toString());
        if (evaluates && !isGiven("eval_datasets") && !isGiven("test_split_size")) {
            Setting split =
                    testSplit != null
                            ? testSplit
                            : name.as("split", new YamlNode.Scalar("test", false, 0));
            settings.put("eval_datasets", name.as("eval_datasets", source(name, config, split)));
        }
    }

    private boolean isGiven(String key) {
        Setting setting = settings.get(key);
        return setting != null
                && !setting.value().isNull()
                && !(setting.value() instanceof YamlNode.Items(var items, int _)
                        && items.isEmpty());
    }

    /// When transformers writes its arguments out, it has a mask in the place of tokens.
    private void maskedTokens() {
        Setting token = settings.get("eos_token");
        if (token != null && token.value().toString().equals("<EOS_TOKEN>")) {
            settings.remove("eos_token");
            notes.add(
                    token.where()
                            + ": eos_token: <EOS_TOKEN> is transformers' mask for a token that was"
                            + " or was not set; the model's own is taken");
        }
        Setting hub = settings.get("hub_token");
        if (hub != null && hub.value().toString().equals("<HUB_TOKEN>")) {
            settings.remove("hub_token"); // a mask too; the environment's is taken
        }
    }

    private void services() {
        Setting given = settings.get("report_to");
        if (given == null) {
            return;
        }
        List<YamlNode> targets =
                given.value() instanceof YamlNode.Items(var items, int _)
                        ? items
                        : List.of(given.value());
        List<String> reporters = RunReporters.names();
        List<YamlNode> ours =
                targets.stream()
                        .filter(
                                t ->
                                        !SERVICES.contains(t.toString())
                                                || reporters.contains(t.toString()))
                        .toList();
        if (ours.size() < targets.size()) {
            notes.add(
                    given.where()
                            + ": report_to: "
                            + given.value()
                            + " has no effect here but for tensorboard, wandb, mlflow and trackio;"
                            + " metrics.jsonl and plots are always written");
            settings.put(
                    "report_to",
                    given.as("report_to", new YamlNode.Items(ours, given.value().line())));
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
        if (given != null) {
            put(key, given, given.value());
        }
    }

    private void put(String key, Setting given, YamlNode value) {
        Setting before = settings.get(key);
        if (before == null || !given.fromFile() && before.fromFile()) {
            settings.put(key, given.as(key, value));
        } else if (given.fromFile() == before.fromFile()
                && !before.value().toString().equals(value.toString())) {
            bothGiven(given, before);
        }
    }

    private void modelArguments() {
        Setting given = takeGiven(ModelArguments.KEY);
        if (given != null) {
            ModelArguments.read(given, notes, problems).forEach((k, v) -> put(k, given, v));
        }
    }

    /// One dtype holds for student and teacher.
    private void teacherArguments() {
        Setting given = takeGiven(ModelArguments.TEACHER);
        if (given == null) {
            return;
        }
        Map<String, YamlNode> values = ModelArguments.read(given, notes, problems);
        YamlNode revision = values.get("model_revision");
        if (revision != null) {
            put("teacher_model_revision", given, revision);
        }
        YamlNode dtype = values.get("dtype");
        Setting own = settings.get("dtype");
        if (dtype != null && (own == null || !own.value().toString().equals(dtype.toString()))) {
            problems.add(
                    given.where(),
                    "%s.dtype: %s; accepted: the run's dtype (%s), which holds for the teacher too"
                            .formatted(
                                    given.key(),
                                    dtype,
                                    own == null ? "not set" : own.value().toString()));
        }
    }

    private void byLength() {
        Setting given = takeGiven("group_by_length");
        if (given != null && truth(given)) {
            String key = "train_sampling_strategy";
            YamlNode value = new YamlNode.Scalar("group_by_length", false, given.value().line());
            Setting before = settings.putIfAbsent(key, given.as(key, value));
            if (before != null && !before.value().toString().equals("group_by_length")) {
                bothGiven(given, before);
            }
        }
    }

    private void cpu(String other) {
        Setting useCpu = takeGiven(other);
        if (useCpu == null || !truth(useCpu)) {
            return;
        }
        YamlNode cpu = new YamlNode.Scalar("cpu", false, useCpu.value().line());
        Setting device = settings.putIfAbsent("device", useCpu.as("device", cpu));
        if (device != null && !device.value().toString().equals("cpu")) {
            bothGiven(useCpu, device);
        }
    }

    /// TRL's `bf16` is autocast: weights in float32, products in bfloat16, for speed. That is
    /// `dtype: auto`, which takes float32 where bfloat16 is slower; `dtype: bfloat16` beside it
    /// stays.
    private void dtype() {
        Setting bf16 = takeGiven("bf16");
        if (bf16 == null) {
            return;
        }
        Setting dtype = settings.get("dtype");
        boolean named = dtype != null && dtype.value().toString().equals("bfloat16");
        if (!named) {
            String value = truth(bf16) ? "auto" : "float32";
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
