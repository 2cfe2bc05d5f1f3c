package org.attune.datasets.formats;

import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Brings LLaMA-Factory's alpaca, sharegpt and openai rows to TRL's columns: `text`,
/// `prompt` + `completion` (alpaca), `messages` (sharegpt, openai), `prompt` + `chosen` +
/// `rejected` (ranking) or `prompt` + `completion` + `label` (KTO), and `tools`.
///
/// Differences: rows that LLaMA-Factory drops with a warning, or trains on nothing, are faults
/// here;
/// earlier turns of alpaca's `history` belong to the prompt.
public final class LlamaFactoryFormat {
    private final LlamaFactorySpec spec;

    public LlamaFactoryFormat(LlamaFactorySpec spec) {
        this.spec = spec;
    }

    /// The row with TRL's columns.
    ///
    /// @throws DatasetException if the row has not what the spec says
    public Row convert(Row row) {
        String where = row.origin().where();
        var result = new LinkedHashMap<String, Object>();
        if (spec.isPlainText()) {
            result.put("text", instruction(row, where));
            return row.with(result);
        }
        Aligned aligned =
                spec.formatting() == Formatting.ALPACA ? alpaca(row, where) : turns(row, where);
        var head = new ArrayList<Object>();
        if (!aligned.system().isEmpty()) {
            head.add(turn("system", aligned.system()));
        }
        head.addAll(aligned.prompt());
        List<?> answers = aligned.answers();
        if (spec.ranking()) {
            result.put("prompt", head);
            result.put("chosen", List.of(answers.get(0)));
            result.put("rejected", List.of(answers.get(1)));
        } else if (spec.columns().containsKey("kto_tag")) {
            result.put("prompt", head);
            result.put("completion", answers);
            result.put("label", label(row, where));
        } else if (spec.formatting() == Formatting.ALPACA) {
            result.put("prompt", head);
            result.put("completion", answers);
        } else {
            head.addAll(answers);
            result.put("messages", head);
        }
        if (value(row, "images") != null) {
            result.put("images", value(row, "images"));
        }
        List<Object> tools = FunctionCalls.tools(value(row, "tools"), where);
        if (!tools.isEmpty()) {
            result.put("tools", tools);
        }
        return row.with(result);
    }

    /// The row with nothing but its question as `prompt`, and the other columns as they are: what
    /// trainers need that generate the answers and let rewards read the rest.
    ///
    /// @throws DatasetException if the row has not what the spec says
    public Row prompt(Row row) {
        String where = row.origin().where();
        var head = new ArrayList<Object>();
        String system = optional(row, "system", where);
        if (!system.isEmpty()) {
            head.add(turn("system", system));
        }
        head.addAll(history(row, where));
        String question = instruction(row, where);
        if (question.isEmpty()) {
            fail(
                    where,
                    "column " + spec.columns().get("prompt") + " is empty, a question is accepted");
        }
        head.add(turn("user", question));
        var result = new LinkedHashMap<>(row.columns());
        result.put("prompt", head);
        List<Object> tools = FunctionCalls.tools(value(row, "tools"), where);
        if (!tools.isEmpty()) {
            result.put("tools", tools);
        }
        return row.with(result);
    }

    /// @param answers the last assistant turn, or chosen and rejected
    private record Aligned(String system, List<Object> prompt, List<Object> answers) {}

    private Aligned alpaca(Row row, String where) {
        List<Object> prompt = history(row, where);
        prompt.add(turn("user", instruction(row, where)));
        var answers = new ArrayList<Object>();
        for (String column : spec.ranking() ? List.of("chosen", "rejected") : List.of("response")) {
            answers.add(turn("assistant", required(row, column, where)));
        }
        return new Aligned(optional(row, "system", where), prompt, answers);
    }

    /// Earlier questions and answers as turns.
    private List<Object> history(Row row, String where) {
        var prompt = new ArrayList<Object>();
        Object given = value(row, "history");
        if (given != null && !(given instanceof List<?>) && !"".equals(given)) {
            fail(
                    where,
                    "history is "
                            + JsonValues.kind(given)
                            + ", [[question, answer] …] is accepted");
        }
        if (given instanceof List<?> history) {
            for (Object pair : history) {
                if (!(pair instanceof List<?> two)
                        || two.size() != 2
                        || !(two.get(0) instanceof String question)
                        || !(two.get(1) instanceof String answer)) {
                    throw new DatasetException(
                            where + ": history is accepted as [[question, answer] …]");
                }
                prompt.add(turn("user", question));
                prompt.add(turn("assistant", answer));
            }
        }
        return prompt;
    }

    private String instruction(Row row, String where) {
        String prompt = optional(row, "prompt", where);
        String query = optional(row, "query", where);
        return prompt.isEmpty() || query.isEmpty() ? prompt + query : prompt + "\n" + query;
    }

    private Aligned turns(Row row, String where) {
        String column = spec.columns().getOrDefault("messages", "conversations");
        if (!(row.get(column) instanceof List<?> list) || list.isEmpty()) {
            throw new DatasetException(
                    "%s: column %s is %s; a list of turns is accepted"
                            .formatted(
                                    where,
                                    column,
                                    row.get(column) instanceof List<?>
                                            ? "empty"
                                            : JsonValues.kind(row.get(column))));
        }
        List<?> messages = list;
        String system = optional(row, "system", where);
        if (messages.getFirst() instanceof Map<?, ?> first && isRole(first, "system_tag")) {
            system = content(first, where);
            messages = messages.subList(1, messages.size());
        }
        List<Object> turns = new TurnAlignment(spec, where).align(messages);
        if (!spec.ranking()) {
            List<Object> answer = List.of(turns.getLast());
            return new Aligned(system, turns.subList(0, turns.size() - 1), answer);
        }
        var answers = new ArrayList<Object>();
        for (String side : List.of("chosen", "rejected")) {
            answers.add(new TurnAlignment(spec, where).answer(side, value(row, side)));
        }
        return new Aligned(system, turns, answers);
    }

    private boolean isRole(Map<?, ?> message, String tag) {
        String name = spec.tags().get(tag);
        return name != null && name.equals(message.get(spec.tags().get("role_tag")));
    }

    private String content(Map<?, ?> message, String where) {
        return message.get(spec.tags().get("content_tag")) instanceof String text
                ? text
                : fail(where, "the system turn has no text");
    }

    private boolean label(Row row, String where) {
        Object value = value(row, "kto_tag");
        if (value instanceof Boolean label) {
            return label;
        }
        throw new DatasetException(
                "%s: column %s is %s, true or false is accepted"
                        .formatted(where, spec.columns().get("kto_tag"), JsonValues.kind(value)));
    }

    private Object value(Row row, String column) {
        String theirs = spec.columns().get(column);
        return theirs == null ? null : row.get(theirs);
    }

    private String optional(Row row, String column, String where) {
        return value(row, column) == null ? "" : required(row, column, where);
    }

    private String required(Row row, String column, String where) {
        Object value = value(row, column);
        if (value instanceof String text) {
            return text;
        }
        String theirs = spec.columns().getOrDefault(column, column);
        String got =
                row.columns().containsKey(theirs)
                        ? "is " + JsonValues.kind(value)
                        : "is missing; the columns are "
                                + String.join(", ", row.columns().keySet());
        return fail(where, "column " + theirs + " " + got + ", a string is accepted");
    }

    private static String fail(String where, String what) {
        throw new DatasetException(where + ": " + what);
    }

    static Map<String, Object> turn(String role, String content) {
        var message = new LinkedHashMap<String, Object>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }
}
