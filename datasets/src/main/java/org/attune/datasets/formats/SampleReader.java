package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.attune.error.Spelling;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes checked samples of rows that have TRL's columns.
public final class SampleReader {
    private final DatasetType type;
    private final boolean anyRole;
    private final boolean sees;

    /// @param type    what the rows are
    /// @param anyRole whether messages may have roles of any name (ShareGPT's `human` and `gpt`,
    ///     which TRL keeps)
    public SampleReader(DatasetType type, boolean anyRole) {
        this(type, anyRole, false);
    }

    private SampleReader(DatasetType type, boolean anyRole, boolean sees) {
        this.type = type;
        this.anyRole = anyRole;
        this.sees = sees;
    }

    /// A reader that puts the pictures of rows into their messages, for models that see them.
    public SampleReader seeing() {
        return new SampleReader(type, anyRole, true);
    }

    private Row placed(Row row, String first, String... others) {
        return sees ? PictureColumns.placed(row, first, others) : row;
    }

    /// The sample of a row.
    ///
    /// @throws DatasetException with the row's place: a column is missing, null, empty or of
    ///     another kind, messages are malformed, or nothing could be learnt from the row
    public Sample read(Row given) {
        Row chatml = given.with(Conversions.toChatml(given.columns()));
        return switch (type) {
            case LANGUAGE_MODELING -> languageModeling(chatml);
            case PROMPT_COMPLETION -> {
                Row row = placed(chatml, "prompt", "completion");
                List<Content> parts = parts(row, "prompt", "completion");
                yield new Sample.PromptCompletion(parts.get(0), parts.get(1), options(row), row);
            }
            case TRIPLE_PREFERENCE -> triple(chatml);
            case PREFERENCE -> preference(chatml);
            case UNPAIRED_PREFERENCE -> {
                Row row = placed(chatml, "prompt", "completion");
                List<Content> parts = parts(row, "prompt", "completion");
                yield new Sample.UnpairedPreference(
                        parts.get(0), parts.get(1), label(row), options(row), row);
            }
            case STEPWISE_SUPERVISION -> {
                Row row = placed(chatml, "prompt");
                yield StepwiseColumns.read(row, parts(row, "prompt").getFirst());
            }
            case PROMPT_ONLY -> {
                Row row = placed(chatml, "prompt");
                yield new Sample.PromptOnly(parts(row, "prompt").getFirst(), options(row), row);
            }
            case CLASSIFICATION -> new LabelledColumns(type, classified(chatml)).read();
            case TOKEN_CLASSIFICATION, RANKING, EMBEDDING -> {
                if (sees) {
                    PictureColumns.requireNone(chatml, type);
                }
                yield new LabelledColumns(type, chatml).read();
            }
        };
    }

    /// The pictures of a pair of texts stand in the first.
    private Row classified(Row row) {
        return type.match(row.columns().keySet())
                .map(columns -> placed(row, columns.getFirst(), columns.get(1)))
                .orElse(row);
    }

    private Sample languageModeling(Row given) {
        boolean conversational = given.columns().containsKey("messages");
        Row row = placed(given, conversational ? "messages" : "text");
        Content content = parts(row, conversational ? "messages" : "text").getFirst();
        if (!conversational && content instanceof Content.Turns) {
            throw fault(row, "column text is a list, a string is accepted; call it messages");
        }
        if (conversational && content instanceof Content.Text) {
            throw fault(row, "column messages is a string, a list is accepted; call it text");
        }
        if (!anyRole
                && content instanceof Content.Turns(List<Message> messages)
                && messages.stream().noneMatch(message -> message.role().equals("assistant"))) {
            throw fault(
                    row, "column messages: there is no message of the assistant, nothing to learn");
        }
        return new Sample.LanguageModeling(content, options(row), row);
    }

    private Sample.Preference preference(Row row) {
        Row explicit = placed(explicit(row, "chosen", "rejected"), "prompt", "chosen", "rejected");
        return pair(row, explicit, parts(explicit, "prompt", "chosen", "rejected"));
    }

    private Sample triple(Row row) {
        Row explicit =
                placed(
                        explicit(row, "chosen", "rejected", "reference"),
                        "prompt",
                        "chosen",
                        "rejected",
                        "reference");
        List<Content> parts = parts(explicit, "prompt", "chosen", "rejected", "reference");
        return new Sample.Triple(pair(row, explicit, parts), parts.get(3));
    }

    private static Sample.Preference pair(Row row, Row explicit, List<Content> parts) {
        if (parts.get(1).equals(parts.get(2))) {
            throw fault(row, "columns chosen and rejected are equal; a pair must differ to teach");
        }
        return new Sample.Preference(
                parts.get(0), parts.get(1), parts.get(2), options(row), explicit);
    }

    /// The row with its prompt apart from its answers.
    ///
    /// @param answers their columns; the prompt is what the first two begin with
    private Row explicit(Row given, String... answers) {
        if (given.columns().containsKey("prompt") && !repeatsPrompt(given)) {
            return given;
        }
        Row row = sees ? PictureColumns.read(given, answers) : given;
        parts(row, answers);
        Map<String, Object> sides = new LinkedHashMap<>(row.columns());
        sides.remove("prompt");
        Row explicit = row.with(Conversions.extractPrompt(sides));
        if (explicit.get("prompt") instanceof List<?> prompt && prompt.isEmpty()) {
            throw fault(
                    row,
                    "columns chosen and rejected don't begin with the same message, so there is"
                            + " no common prompt; add a column prompt");
        }
        return answers.length == 2 ? explicit : withoutPrompt(explicit, answers[2]);
    }

    /// The row with the prompt taken off a third answer.
    private static Row withoutPrompt(Row explicit, String column) {
        Object prompt = explicit.get("prompt");
        Object answer = explicit.get(column);
        Map<String, Object> columns = new LinkedHashMap<>(explicit.columns());
        if (prompt instanceof String begin
                && answer instanceof String text
                && text.startsWith(begin)) {
            columns.put(column, text.substring(begin.length()));
        } else if (prompt instanceof List<?> begin
                && answer instanceof List<?> turns
                && turns.size() >= begin.size()
                && turns.subList(0, begin.size()).equals(begin)) {
            columns.put(column, turns.subList(begin.size(), turns.size()));
        } else {
            throw fault(
                    explicit,
                    "column %s doesn't begin with the prompt that chosen and rejected begin with;"
                                    .formatted(column)
                            + " add a column prompt, or let all three begin alike");
        }
        return explicit.with(columns);
    }

    /// Whether `prompt` is the text of the first user's turn with which both conversations begin,
    /// as in UltraFeedback's pairs: then it says nothing that they don't.
    private static boolean repeatsPrompt(Row row) {
        return row.get("prompt") instanceof String prompt
                && asks(row.get("chosen"), prompt)
                && asks(row.get("rejected"), prompt);
    }

    private static boolean asks(Object side, String prompt) {
        return side instanceof List<?> turns
                && turns.stream()
                        .filter(
                                turn ->
                                        turn instanceof Map<?, ?> map
                                                && "user".equals(map.get("role")))
                        .findFirst()
                        .map(turn -> prompt.equals(((Map<?, ?>) turn).get("content")))
                        .orElse(false);
    }

    /// The columns as contents, all present and all of one form.
    private List<Content> parts(Row row, String... columns) {
        var checks = new MessageChecks(row.origin().where(), anyRole);
        var parts = new ArrayList<Content>(columns.length);
        var all = new ArrayList<Message>();
        for (String column : columns) {
            if (!sees) {
                PictureColumns.requireTexts(row, column);
            }
            Content part = part(row, column, checks);
            if (!parts.isEmpty() && parts.getFirst().getClass() != part.getClass()) {
                throw fault(
                        row,
                        "column %s is %s and column %s is %s; both must be strings or both messages"
                                .formatted(
                                        columns[0],
                                        kind(row, columns[0]),
                                        column,
                                        kind(row, column)));
            }
            parts.add(part);
            if (part instanceof Content.Turns(List<Message> messages)) {
                all.addAll(messages);
                checks.toolsAreCalled(all);
            }
        }
        return parts;
    }

    static Content part(Row row, String column, MessageChecks checks) {
        Object value = row.get(column);
        return switch (value) {
            case String text -> new Content.Text(text);
            case List<?> list -> new Content.Turns(checks.messages(column, list));
            case null ->
                    throw fault(
                            row,
                            row.columns().containsKey(column)
                                    ? "column " + column + " is null, " + accepted(column)
                                    : missing(column, row.columns().keySet()));
            default ->
                    throw fault(
                            row,
                            "column %s is %s, %s"
                                    .formatted(column, JsonValues.kind(value), accepted(column)));
        };
    }

    /// What to say when a column isn't there.
    public static String missing(String column, Collection<String> present) {
        String near =
                Spelling.nearest(column, present)
                        .map(
                                other ->
                                        "; "
                                                + other
                                                + " is near, rename it with columns: {"
                                                + other
                                                + ": "
                                                + column
                                                + "}")
                        .orElse("");
        return "column %s is missing; the columns are %s%s"
                .formatted(column, String.join(", ", present), near);
    }

    private static String accepted(String column) {
        return switch (column) {
            case "messages" -> "a list of messages is accepted";
            case "text" -> "a string is accepted";
            default -> "a string or a list of messages is accepted";
        };
    }

    private static String kind(Row row, String column) {
        return row.get(column) instanceof List<?>
                ? "a list of messages"
                : JsonValues.kind(row.get(column));
    }

    private static boolean label(Row row) {
        if (row.get("label") instanceof Boolean label) {
            return label;
        }
        throw fault(
                row,
                row.columns().containsKey("label")
                        ? "column label is %s, true or false is accepted"
                                .formatted(JsonValues.kind(row.get("label")))
                        : missing("label", row.columns().keySet()));
    }

    static TemplateOptions options(Row row) {
        Object tools = row.get("tools");
        if (tools instanceof String text) {
            tools =
                    text.isBlank()
                            ? null
                            : JsonValues.parse(text, row.origin().where() + ": column tools");
        }
        if (tools != null && !(tools instanceof List<?>)) {
            throw fault(
                    row,
                    "column tools is %s, a list of JSON schemas is accepted"
                            .formatted(JsonValues.kind(tools)));
        }
        var variables = new LinkedHashMap<String, Object>();
        Object given = row.get("chat_template_kwargs");
        if (given instanceof Map<?, ?> map) {
            map.forEach((key, value) -> variables.put(key.toString(), value));
        } else if (given != null) {
            throw fault(
                    row,
                    "column chat_template_kwargs is %s, an object is accepted"
                            .formatted(JsonValues.kind(given)));
        }
        return tools == null && variables.isEmpty()
                ? TemplateOptions.NONE
                : new TemplateOptions(
                        tools == null ? List.of() : new ArrayList<Object>((List<?>) tools),
                        variables);
    }

    private static DatasetException fault(Row row, String what) {
        return new DatasetException(row.origin().where() + ": " + what);
    }
}
