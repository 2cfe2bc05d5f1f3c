package org.attune.cli.config;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.model.config.DecoderConfig;
import org.attune.trainers.opening.FirstRun.Suggestion;
import org.attune.trainers.opening.TrainingMethod;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// A run's file for a method, commented, with values that suit a first run with LoRA.
public final class InitialFile {
    private static final int COLUMNS = 100;

    private final String command;
    private final String listing; // what shows all keys
    private final Map<String, Key> keys = new LinkedHashMap<>(); // obeyed ones, by name
    private final KeyFacts facts;
    private final Map<String, List<Suggestion>> suggestions; // by the words above them
    private final Map<String, String> given = new LinkedHashMap<>();
    private String seen = ""; // of rows and model
    private int longest = Integer.MAX_VALUE; // of the model's sequences

    /// @param values `key=value`, in YAML, that take the place of what is suggested
    /// @throws ConfigException if one has another form or a key that this method doesn't have
    public InitialFile(TrainingMethod<?, ?> method, List<String> values) {
        this(
                method.name(),
                "attune keys " + method.name(),
                KeyTable.load().of(method).stream()
                        .filter(k -> k.outcome() == Key.Outcome.OBEYED)
                        .toList(),
                KeyFacts.of(method),
                suggestions(method),
                values);
    }

    /// @param command that reads the file
    /// @param listing what shows all its keys
    /// @param obeyed its keys
    InitialFile(
            String command,
            String listing,
            List<Key> obeyed,
            KeyFacts facts,
            Map<String, List<Suggestion>> suggestions,
            List<String> values) {
        this.command = command;
        this.listing = listing;
        this.facts = facts;
        this.suggestions = suggestions;
        obeyed.forEach(key -> keys.put(key.name(), key));
        for (String value : values) {
            int equals = value.indexOf('=');
            if (equals <= 0) {
                throw new ConfigException(
                        "argument " + value + ": accepted: key=value, such as lora_r=8");
            }
            String key = value.substring(0, equals).strip();
            requireKey(key);
            given.put(key, value.substring(equals + 1));
        }
    }

    private void requireKey(String name) {
        if (!keys.containsKey(name)) {
            throw new ConfigException(
                    "argument %s: no key of %s%s"
                            .formatted(
                                    name,
                                    command,
                                    ForeignKeys.answer(name)
                                            .map(answer -> "; " + answer)
                                            .or(() -> nearest(name))
                                            .orElse("; " + listing + " lists them")));
        }
    }

    private Optional<String> nearest(String name) {
        return Spelling.nearest(name, keys.keySet()).map(near -> "; did you mean " + near + "?");
    }

    /// Adds to the file what type the rows have that were seen.
    public InitialFile withRows(String type) {
        seen += " Rows of the type " + type + ".";
        return this;
    }

    /// Adds to the file what is known of the model, and suggests no longer sequences than it is
    /// made for.
    public InitialFile withModel(DecoderConfig model) {
        longest = model.maxPositionEmbeddings();
        seen +=
                " The model: %s, %d layers of %d features, made for up to %d tokens."
                        .formatted(model.modelType(), model.layers(), model.hiddenSize(), longest);
        return this;
    }

    /// The command that reads it.
    public String command() {
        return command;
    }

    /// Keys that still need a value.
    public List<String> open() {
        return suggestions.values().stream()
                .flatMap(List::stream)
                .filter(s -> s.value().isEmpty())
                .map(Suggestion::key)
                .filter(key -> given.getOrDefault(key, "").isBlank())
                .toList();
    }

    /// The file.
    ///
    /// @param all whether keys that are not suggested follow, commented out
    public String text(boolean all) {
        var text = new StringBuilder();
        List<String> open = open();
        comment(
                text,
                "A run of attune %s.%s %s: attune %s FILE. All keys: %s"
                        .formatted(
                                command,
                                seen,
                                open.isEmpty()
                                        ? "Run it by"
                                        : "Fill in " + String.join(" and ", open) + ", then",
                                command,
                                listing));
        Map<String, String> left = new LinkedHashMap<>(given);
        for (Map.Entry<String, List<Suggestion>> group : suggestions.entrySet()) {
            text.append('\n');
            comment(text, group.getKey());
            for (Suggestion suggestion : group.getValue()) {
                String value = left.remove(suggestion.key());
                line(text, suggestion.key(), value == null ? suggested(suggestion) : value, "");
            }
        }
        if (!left.isEmpty()) {
            text.append('\n');
            left.forEach((key, value) -> line(text, key, value, ""));
        }
        if (all) {
            others(text);
        }
        return text.toString();
    }

    private String suggested(Suggestion suggestion) {
        boolean tooLong =
                suggestion.key().equals("max_length")
                        && Integer.parseInt(suggestion.value()) > longest;
        return tooLong ? String.valueOf(longest) : suggestion.value();
    }

    private void others(StringBuilder text) {
        List<String> said = new ArrayList<>(given.keySet());
        suggestions.values().forEach(g -> g.forEach(s -> said.add(s.key())));
        text.append('\n');
        comment(text, "---- All other keys, at their defaults. ----");
        keys.values().stream()
                .filter(k -> !said.contains(k.name()))
                .forEach(k -> line(text, k.name(), value(k), "#"));
    }

    private String value(Key key) {
        String standard = facts.standard(key);
        return List.of("unset", "none", "required").contains(standard) ? "null" : standard;
    }

    private void line(StringBuilder text, String name, String value, String before) {
        Key key = keys.get(name);
        comment(text, key.note() + " [" + facts.accepted(key) + "]");
        text.append((before + name + ": " + value).stripTrailing()).append('\n');
    }

    private static void comment(StringBuilder text, String words) {
        var line = new StringBuilder("#");
        for (String word : words.split(" ")) {
            if (line.length() + 1 + word.length() > COLUMNS) {
                text.append(line).append('\n');
                line.setLength(1);
            }
            line.append(' ').append(word);
        }
        text.append(line).append('\n');
    }

    private static Map<String, List<Suggestion>> suggestions(TrainingMethod<?, ?> method) {
        Map<String, List<Suggestion>> groups = new LinkedHashMap<>();
        groups.put(
                "---- Model and data ----",
                Suggestion.list("model_name_or_path", "", "datasets", ""));
        groups.put(
                "---- Data: " + method.firstRun().rows() + " ----",
                Suggestion.list("test_split_size", "0.1", "output_dir", "out/" + method.name()));
        if (generates(method)) {
            groups.put(
                    "---- Rewards: exact_answer compares with the column answer. ----",
                    Suggestion.list("reward_funcs", "exact_answer"));
        }
        List<Suggestion> adapter =
                Suggestion.list(
                        "use_peft", "true",
                        "lora_r", "16",
                        "lora_alpha", "32",
                        "lora_target_modules", "all-linear");
        if (generates(method)) {
            adapter.addAll(Suggestion.list("lora_dropout", "0.0"));
        }
        groups.put("---- Adapter ----", adapter);
        groups.put("---- What is learned ----", method.firstRun().keys());
        groups.put("---- Course of the run ----", course(generates(method)));
        return groups;
    }

    private static boolean generates(TrainingMethod<?, ?> method) {
        return method.kind() == TrainingMethod.Kind.GENERATES;
    }

    private static List<Suggestion> course(boolean generates) {
        List<Suggestion> course =
                Suggestion.list(
                        "num_train_epochs",
                        "1",
                        "per_device_train_batch_size",
                        generates ? "32" : "8",
                        "learning_rate",
                        "1e-4",
                        "lr_scheduler_type",
                        generates ? "constant" : "cosine",
                        "warmup_steps",
                        generates ? "0" : "0.05",
                        "logging_steps",
                        "10");
        if (generates) {
            course.addAll(
                    Suggestion.list("log_completions", "true", "num_completions_to_print", "4"));
        }
        course.addAll(Suggestion.list("save_steps", "100", "save_total_limit", "2"));
        return course;
    }

    @Override
    public String toString() {
        return command + given.keySet().stream().collect(Collectors.joining(", ", " ", ""));
    }
}
