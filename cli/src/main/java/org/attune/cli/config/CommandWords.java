package org.attune.cli.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Parses the words behind `attune sft`: a run's file and `key=value`, or TRL's `--config FILE`,
/// `--key value`, `--key=value`, `--flag`, `--no_flag` and `--list a b`. Behind `key=` stands YAML,
/// behind `--key` the text as it is.
final class CommandWords {
    private static final Pattern ASSIGNMENT = Pattern.compile("(?s)([A-Za-z_][A-Za-z0-9_]*)=(.*)");
    private static final Pattern OPTION =
            Pattern.compile("(?s)--([A-Za-z_][A-Za-z0-9_-]*)(?:=(.*))?");
    private static final Set<String> TRUTH_VALUES =
            Set.of("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0");

    private final List<String> words;
    private final KeyForms forms;
    private final Problems problems;
    private final Map<String, Setting> settings;
    private Path file;
    private int at;

    private CommandWords(
            Path file,
            List<String> words,
            KeyForms forms,
            Map<String, Setting> settings,
            Problems problems) {
        this.file = file;
        this.words = List.copyOf(words);
        this.forms = forms;
        this.settings = settings;
        this.problems = problems;
    }

    /// @param file the run's; an empty path if the words may name one
    /// @param settings take the keys that are given; the later of two wins
    /// @return the run's file; an empty path if there is none
    static Path read(
            Path file,
            List<String> words,
            KeyForms forms,
            Map<String, Setting> settings,
            Problems problems) {
        var reader = new CommandWords(file, words, forms, settings, problems);
        while (reader.at < reader.words.size()) {
            reader.next();
        }
        return reader.file;
    }

    private void next() {
        String word = words.get(at++);
        Matcher option = OPTION.matcher(word);
        if (option.matches()) {
            option(word, option.group(1).replace('-', '_'), option.group(2));
            return;
        }
        Matcher assignment = ASSIGNMENT.matcher(word);
        if (assignment.matches()) {
            String where = Setting.ARGUMENT + word;
            put(assignment.group(1), YamlText.parse(where, assignment.group(2), problems), where);
        } else if (hasFile() || word.startsWith("-")) {
            problems.add(
                    Setting.ARGUMENT + word,
                    "accepted: key=value or --key value, such as learning_rate=1e-4");
        } else {
            file = Path.of(word);
        }
    }

    private void option(String word, String key, String joined) {
        String where = Setting.ARGUMENT + word;
        if (key.equals("config") && !forms.knows(key)) {
            config(where, joined);
        } else if (isNegation(key) && joined == null) {
            put(key.substring(3), new YamlNode.Scalar("false", false, 1), where);
        } else {
            put(key, value(key, joined == null ? following(key) : List.of(joined), where), where);
        }
    }

    private boolean isNegation(String key) {
        return key.startsWith("no_")
                && !forms.knows(key)
                && forms.of(key.substring(3)) == KeyForms.Form.FLAG;
    }

    private void config(String where, String joined) {
        String name = joined == null && at < words.size() ? words.get(at++) : joined;
        if (name == null) {
            problems.add(where, "accepted: the run's YAML file, as --config run.yaml");
        } else if (hasFile()) {
            problems.add(where, name + "; accepted: one file (" + file + " is given too)");
        } else {
            file = Path.of(name);
        }
    }

    /// The words behind `--key` that belong to it.
    private List<String> following(String key) {
        KeyForms.Form form = forms.of(key);
        List<String> values = new ArrayList<>();
        while (at < words.size() && belongs(words.get(at), form, values.size())) {
            values.add(words.get(at++));
        }
        return values;
    }

    private boolean belongs(String word, KeyForms.Form form, int before) {
        if (OPTION.matcher(word).matches()) {
            return false;
        }
        return switch (form) {
            case FLAG ->
                    before == 0
                            && (TRUTH_VALUES.contains(word.toLowerCase(Locale.ROOT))
                                    || word.equals("None"));
            case ONE -> before == 0;
            case OPTIONAL -> before == 0 && !isOther(word);
            case SEVERAL -> before == 0 || !isOther(word);
            case ANY -> !isOther(word);
        };
    }

    /// Whether a word is the run's file or an assignment, where it may be one more value too.
    private boolean isOther(String word) {
        Matcher assignment = ASSIGNMENT.matcher(word);
        return assignment.matches() && forms.knows(assignment.group(1))
                || !hasFile() && word.matches("(?s).*\\.ya?ml");
    }

    private YamlNode value(String key, List<String> values, String where) {
        KeyForms.Form form = forms.of(key);
        if (values.isEmpty()) {
            if (form == KeyForms.Form.ONE || form == KeyForms.Form.SEVERAL) {
                problems.add(where, "accepted: a value behind it, as --" + key + " VALUE");
                return new YamlNode.Scalar("", true, 1);
            }
            return new YamlNode.Scalar("true", false, 1);
        }
        List<YamlNode> nodes = values.stream().map(v -> word(key, form, v, where)).toList();
        return nodes.size() == 1 ? nodes.getFirst() : new YamlNode.Items(nodes, 1);
    }

    private YamlNode word(String key, KeyForms.Form form, String word, String where) {
        boolean structure = word.startsWith("[") || word.startsWith("{");
        if (structure && (form == KeyForms.Form.SEVERAL || form == KeyForms.Form.ANY)) {
            return YamlText.parse(where, word, problems);
        }
        return new YamlNode.Scalar(word, forms.isNothing(key, word), 1);
    }

    private void put(String key, YamlNode value, String where) {
        settings.put(key, new Setting(key, value, where));
    }

    private boolean hasFile() {
        return !file.toString().isEmpty();
    }
}
