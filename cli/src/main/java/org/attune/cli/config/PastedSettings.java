package org.attune.cli.config;

import org.attune.error.ConfigException;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Takes over what a configuration of DeepSpeed or a file of `accelerate config` says: each setting
/// becomes a key of the run, has no effect, or is refused by its path, as `pasted.tsv` lists them.
/// `auto` leaves a key to the run's file. A value that contradicts the run's own key is refused.
final class PastedSettings {
    private static final List<PastedRule> RULES = PastedRule.load();
    private static final String DEEPSPEED = "deepspeed";
    private static final String ACCELERATE = "accelerate";
    private static final String FSDP = "fsdp";

    private final PastedValue.Target target;
    private final Path directory;
    private final List<String> notes;
    private final Problems problems;
    private Optional<PastedValue> strategy = Optional.empty(); // what the key fsdp says

    private PastedSettings(
            Map<String, Setting> settings, Path directory, List<String> notes, Problems problems) {
        target = new PastedValue.Target(settings, problems);
        this.directory = directory;
        this.notes = notes;
        this.problems = problems;
    }

    /// What was given.
    ///
    /// @param label for messages
    /// @param key whose place is that of what stands in the run's own file
    /// @param file its name, if it is a file
    private record Source(String label, Setting key, Optional<String> file) {
        String where(int line) {
            return file.map(name -> name + ":" + line).orElse(key.where());
        }
    }

    /// Changes the map in place.
    ///
    /// @param directory of the run's file
    /// @param notes takes what was given and has no effect
    static void resolve(
            Map<String, Setting> settings, Path directory, List<String> notes, Problems problems) {
        var pasted = new PastedSettings(settings, directory, notes, problems);
        pasted.take("deepspeed", DEEPSPEED);
        pasted.take("deepspeed_config_file", DEEPSPEED);
        pasted.take("config_file", ACCELERATE);
        pasted.fsdp();
    }

    /// `fsdp` switches on what `fsdp_config` says.
    private void fsdp() {
        String key = "fsdp_config";
        Setting options = target.settings().remove(FSDP);
        Optional<PastedValue> value =
                Optional.ofNullable(options)
                        .map(o -> new PastedValue(FSDP, FSDP, o.value(), o.where()));
        strategy =
                value.filter(v -> !v.value().isNull())
                        .flatMap(v -> PastedShards.options(v, target));
        if (strategy.isEmpty()) {
            Setting idle = target.settings().remove(key);
            if (idle != null && !idle.value().isNull()) {
                notes.add(idle.where() + ": fsdp_config has no effect without fsdp");
            }
            return;
        }
        Setting config = target.settings().get(key);
        if (config == null || config.value().isNull()) {
            var none = new YamlNode.Fields(List.of(), options.value().line());
            target.settings().put(key, new Setting(key, none, options.where()));
        }
        take(key, FSDP);
    }

    /// Names of `fsdp_config` may begin with `fsdp_`; its strategy goes before that of `fsdp`.
    private void namesOfFsdp(Map<String, PastedValue> values) {
        for (String path : List.copyOf(values.keySet())) {
            if (path.startsWith("fsdp_")) {
                String name = path.substring("fsdp_".length());
                PastedValue v = values.remove(path);
                values.putIfAbsent(name, new PastedValue(v.label(), name, v.value(), v.where()));
            }
        }
        boolean says = values.values().stream().anyMatch(PastedShards::isStrategy);
        if (!says) {
            strategy.ifPresent(own -> values.put("reshard_after_forward", own));
        }
    }

    private void take(String key, String program) {
        Setting given = target.settings().remove(key);
        if (given == null || given.value().isNull()) {
            return;
        }
        switch (given.value()) {
            case YamlNode.Scalar file -> read(program, given, directory, file.text());
            case YamlNode.Fields fields ->
                    apply(program, new Source(key, given, Optional.empty()), directory, fields);
            case YamlNode.Items items ->
                    problems.add(
                            given.where(),
                            key + ": " + items + "; accepted: the path of a file, or its settings");
        }
    }

    /// @param beside where a relative path may start too
    private void read(String program, Setting given, Path beside, String file) {
        try {
            Path there = beside.resolve(file);
            Path path = given.fromFile() && Files.exists(there) ? there : Path.of(file);
            String name = String.valueOf(path.getFileName());
            YamlNode root = YamlText.parse(name, GivenText.read(path), problems);
            if (root instanceof YamlNode.Fields fields) {
                var source = new Source(name, given, Optional.of(name));
                apply(program, source, path.toAbsolutePath().getParent(), fields);
            } else {
                problems.add(name + ":" + root.line(), root + "; accepted: settings of " + program);
            }
        } catch (IOException | ConfigException e) {
            problems.add(
                    given.where(),
                    "%s: %s can't be read: %s; accepted: a YAML or JSON file, or its settings"
                            .formatted(given.key(), file, e.getMessage()));
        }
    }

    private void apply(String program, Source source, Path folder, YamlNode.Fields root) {
        Map<String, PastedValue> values = new TreeMap<>();
        flatten(source, "", root, values);
        if (program.equals(ACCELERATE)) {
            accelerate(source, folder, values, root);
        } else if (program.equals(FSDP)) {
            namesOfFsdp(values);
        } else {
            PastedOptimizer.take(values, target, notes);
        }
        PastedValue rows = values.remove("train_batch_size");
        List<String> idle = new ArrayList<>();
        values.values().forEach(value -> apply(program, value, idle));
        if (rows != null && program.equals(DEEPSPEED)) {
            batch(rows);
        }
        if (!idle.isEmpty()) {
            notes.add(
                    "%s: %s has no effect here: %s"
                            .formatted(source.where(1), source.label, String.join(", ", idle)));
        }
    }

    private static void flatten(
            Source source, String above, YamlNode.Fields fields, Map<String, PastedValue> values) {
        for (YamlNode.Field field : fields.fields()) {
            String path = above.isEmpty() ? field.key() : above + "." + field.key();
            if (field.value() instanceof YamlNode.Fields below) {
                flatten(source, path, below, values);
            } else {
                String where = source.where(field.line());
                values.put(path, new PastedValue(source.label, path, field.value(), where));
            }
        }
    }

    private void apply(String program, PastedValue value, List<String> idle) {
        if (value.value().isNull()) {
            return;
        }
        Optional<PastedRule> found = PastedRule.of(RULES, program, value.path());
        if (found.isEmpty()) {
            target.refuse(value, "settings that docs/scale.md lists; leave it out");
            return;
        }
        PastedRule rule = found.get();
        if (rule.isNoEffect()) {
            idle.add(value.path());
        } else if (!rule.isNeutral(value.text())) {
            if (rule.isRefused()) {
                target.refuse(value, rule.note());
            } else {
                set(value, rule.outcome());
            }
        }
    }

    private void set(PastedValue value, String key) {
        if (key.equals("zero_stage")) {
            if (PastedShards.isStrategy(value) || value.path().equals(FSDP)) {
                PastedShards.strategy(value, target);
            } else {
                target.set(key, value);
            }
        } else if (value.path().equals("mixed_precision")) {
            if (value.lower().equals("bf16")) {
                target.set(key, value, value.scalar("true"));
            } else {
                target.refuse(value, "'no' or bf16");
            }
        } else {
            target.set(key, value);
        }
    }

    /// Leaves in the map what isn't a part of DeepSpeed's or FSDP's.
    private void accelerate(
            Source source, Path folder, Map<String, PastedValue> values, YamlNode.Fields root) {
        PastedValue type = values.get("distributed_type");
        String kind = type == null ? "no" : type.lower();
        PastedValue file = values.get("deepspeed_config.deepspeed_config_file");
        values.keySet().removeIf(path -> path.startsWith("deepspeed_config"));
        if (!kind.equals("fsdp")) {
            values.keySet().removeIf(path -> path.startsWith("fsdp_config"));
        } else if (!values.containsKey("fsdp_config.fsdp_sharding_strategy")
                && !values.containsKey("fsdp_config.fsdp_reshard_after_forward")) {
            target.set("zero_stage", type, type.scalar("3")); // FSDP's default cuts everything
        }
        if (!kind.equals("deepspeed")) {
            return;
        }
        if (file != null && !file.lower().equals("none")) {
            read(DEEPSPEED, source.key, folder, file.text());
            return;
        }
        for (YamlNode.Field field : root.fields()) {
            if (field.key().equals("deepspeed_config")
                    && field.value() instanceof YamlNode.Fields fields) {
                String label = source.label + ", deepspeed_config";
                apply(DEEPSPEED, new Source(label, source.key, source.file), folder, fields);
            }
        }
    }

    /// `train_batch_size` is the rows of a step, of all devices.
    private void batch(PastedValue total) {
        if (total.isAuto() || total.value().isNull()) {
            return;
        }
        try {
            long rows = rowsOfDevice();
            long all = Long.parseLong(total.text());
            if (rows < 1 || all < rows || all % rows != 0) {
                throw new NumberFormatException();
            }
            target.set("logical_devices", total, total.scalar("" + all / rows));
        } catch (NumberFormatException e) {
            target.refuse(
                    total,
                    "auto, or a multiple of per_device_train_batch_size x"
                        + " gradient_accumulation_steps, which the run's file or this one says");
        }
    }

    private long rowsOfDevice() {
        Setting micro = target.settings().get("per_device_train_batch_size");
        Setting times = target.settings().get("gradient_accumulation_steps");
        return Long.parseLong(micro == null ? "" : micro.value().toString())
                * Long.parseLong(times == null ? "1" : times.value().toString());
    }
}
