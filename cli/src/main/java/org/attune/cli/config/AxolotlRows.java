package org.attune.cli.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Says of the entries of `datasets` in Axolotl's files what to write here: fields of ours stay,
/// names of columns become `columns`, and what has no counterpart is named.
final class AxolotlRows {
    private static final Set<String> OURS =
            Set.of("path", "name", "split", "sample_by", "data_dir", "data_files", "fraction");

    /// Fields that name a column, with its name here.
    private static final Map<String, String> COLUMNS =
            Map.of(
                    "field", "text",
                    "field_tools", "tools",
                    "field_system", "system",
                    "field_chosen", "chosen",
                    "field_rejected", "rejected",
                    "field_instruction", "instruction",
                    "field_input", "input",
                    "field_output", "output");

    /// Fields that nothing is lost without, with the values of which that is so; none: any.
    private static final Map<String, Set<String>> IDLE =
            Map.of(
                    "ds_type", Set.of(),
                    "trust_remote_code", Set.of(),
                    "preprocess_shards", Set.of(),
                    "chat_template", Set.of("tokenizer_default"),
                    "roles_to_train", Set.of("[assistant]", "[gpt]", "[assistant, gpt]"),
                    "train_on_eos", Set.of("turn"),
                    "train_on_eot", Set.of("turn"),
                    "drop_system_message", Set.of("false"));

    /// What is said of other fields.
    private static final Map<String, String> NOTES =
            Map.ofEntries(
                    Map.entry("shards", "a part of the rows is a split, such as train[:25%]"),
                    Map.entry(
                            "shards_idx", "a part of the rows is a split, such as train[25%:50%]"),
                    Map.entry("revision", "download that revision and give its folder as path"),
                    Map.entry("chat_template", "chat_template_path names one for the whole run"),
                    Map.entry(
                            "chat_template_jinja",
                            "write it to a file, which chat_template_path names"),
                    Map.entry("conversation", "chat_template_path names one for the whole run"),
                    Map.entry("roles", "roles are system, user, assistant and tool, or ShareGPT's"),
                    Map.entry("roles_to_train", "assistant_only_loss trains assistants alone"),
                    Map.entry(
                            "message_field_training",
                            "weight: 0 in a message leaves it out of the loss"),
                    Map.entry("drop_system_message", "leave such messages out of the rows"),
                    Map.entry("format", "the chat template says how rows are written"),
                    Map.entry("no_input_format", "the chat template says how rows are written"),
                    Map.entry("system_prompt", "rows have it as their column system"));

    private static final String ELSE = "it has no counterpart here";

    /// Types by the name that they have here; empty: the columns say it.
    private static final Map<String, String> TYPES =
            Map.of(
                    "alpaca", "alpaca",
                    "sharegpt", "sharegpt",
                    "chat_template", "",
                    "completion", "language_modeling");

    private final Map<String, YamlNode> kept = new LinkedHashMap<>();
    private final Map<String, String> columns = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private final int line;
    private boolean found;
    private String messages = "messages";
    private String role = "role";
    private String content = "content";

    private AxolotlRows(YamlNode.Fields entry) {
        line = entry.line();
        entry.fields().forEach(field -> take(field.key(), field.value()));
        column(messages, conversation());
    }

    /// Entries as they are written here, and what isn't taken over.
    record Answer(YamlNode entries, List<String> notes) {}

    /// Empty if none of the entries is Axolotl's.
    static Optional<Answer> of(YamlNode value) {
        List<YamlNode> entries =
                value instanceof YamlNode.Items(var items, int _) ? items : List.of(value);
        List<YamlNode> ours = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        boolean found = false;
        for (int i = 0; i < entries.size(); i++) {
            if (!(entries.get(i) instanceof YamlNode.Fields fields)) {
                ours.add(entries.get(i));
                continue;
            }
            var rows = new AxolotlRows(fields);
            String place = entries.size() == 1 ? "" : "[" + i + "].";
            rows.notes.forEach(note -> notes.add(place + note));
            ours.add(rows.found ? rows.entry() : fields);
            found |= rows.found;
        }
        return found
                ? Optional.of(new Answer(new YamlNode.Items(ours, value.line()), notes))
                : Optional.empty();
    }

    private void take(String key, YamlNode value) {
        if (OURS.contains(key)) {
            kept.put(key, value);
            return;
        }
        if (key.equals("type")) {
            type(value);
            return;
        }
        if (key.equals("columns") && value instanceof YamlNode.Fields(var fields, int _)) {
            fields.forEach(field -> columns.put(field.key(), field.value().toString()));
            return;
        }
        boolean known =
                COLUMNS.containsKey(key)
                        || IDLE.containsKey(key)
                        || NOTES.containsKey(key)
                        || key.startsWith("field_")
                        || key.startsWith("message_");
        if (!known) {
            kept.put(key, value); // refused by name later
            return;
        }
        found = true;
        if (!value.isNull() && !value.toString().isBlank()) {
            translate(key, value);
        }
    }

    private void translate(String key, YamlNode value) {
        switch (key) {
            case "field_messages" -> messages = value.toString();
            case "message_field_role" -> role = value.toString();
            case "message_field_content" -> content = value.toString();
            case "message_property_mappings" -> properties(value);
            default -> {
                String column = COLUMNS.get(key);
                Set<String> idle = IDLE.get(key);
                if (column != null) {
                    column(value.toString(), column);
                } else if (idle == null || !idle.isEmpty() && !idle.contains(value.toString())) {
                    notes.add("%s: %s".formatted(key, NOTES.getOrDefault(key, ELSE)));
                }
            }
        }
    }

    private void column(String theirs, String ours) {
        if (!theirs.equals(ours)) {
            columns.put(theirs, ours);
        }
    }

    private void properties(YamlNode value) {
        if (value instanceof YamlNode.Fields(var fields, int _)) {
            for (YamlNode.Field field : fields) {
                switch (field.key()) {
                    case "role" -> role = field.value().toString();
                    case "content" -> content = field.value().toString();
                    default -> {
                        if (!field.key().equals(field.value().toString())) {
                            notes.add(
                                    "message_property_mappings.%s: messages have it as %s"
                                            .formatted(field.key(), field.key()));
                        }
                    }
                }
            }
        }
    }

    /// Our name of a column of messages with such fields.
    private String conversation() {
        if (role.equals("from") && content.equals("value")) {
            return "conversations";
        }
        if (!role.equals("role") || !content.equals("content")) {
            notes.add(
                    "message_property_mappings: messages have role and content, or from and value;"
                            + " these have %s and %s".formatted(role, content));
        }
        return "messages";
    }

    private void type(YamlNode value) {
        if (value instanceof YamlNode.Fields(var fields, int _)) {
            found = true;
            fields.forEach(field -> take(field.key(), field.value()));
            return;
        }
        String text = value.toString();
        String ours = TYPES.get(text);
        if (ours == null && !text.contains(".") && !text.contains(":")) {
            kept.put("type", value); // one of ours, or refused with those that there are
            return;
        }
        found |= !text.equals(ours);
        if (ours == null) {
            notes.add(
                    "type %s: rows are known by their columns, which columns: {theirs: ours} renames"
                            .formatted(text));
        } else if (!ours.isEmpty()) {
            kept.put("type", new YamlNode.Scalar(ours, false, line));
        }
    }

    private YamlNode entry() {
        List<YamlNode.Field> fields = new ArrayList<>();
        kept.forEach((key, value) -> fields.add(new YamlNode.Field(key, value, line)));
        if (!columns.isEmpty()) {
            List<YamlNode.Field> renamed =
                    columns.entrySet().stream().map(e -> field(e.getKey(), e.getValue())).toList();
            var map = new YamlNode.Fields(renamed, line);
            fields.add(new YamlNode.Field("columns", map, line));
        }
        return fields.size() == 1 && kept.containsKey("path")
                ? kept.get("path")
                : new YamlNode.Fields(fields, line);
    }

    private YamlNode.Field field(String key, String value) {
        return new YamlNode.Field(key, new YamlNode.Scalar(value, false, line), line);
    }
}
