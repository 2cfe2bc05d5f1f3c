package org.attune.trainers.samples;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.text.Message;
import org.attune.trainers.examples.PromptExample;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Chosen completions as rows that the trainers read, and the file of these rows.
///
/// @param how settings
record SampleRows(SampleOutputConfig how) {
    private static final List<String> ALWAYS_COPIED = List.of("tools", "chat_template_kwargs");

    /// Makes a row of what was chosen for a prompt.
    Map<String, Object> row(PromptExample prompt, SampleChoice.Chosen chosen) {
        Map<String, Object> row = new LinkedHashMap<>();
        switch (chosen) {
            case SampleChoice.Chosen.One(ScoredCompletion completion) -> {
                if (how.rowForm() == RowForm.MESSAGES) {
                    row.put("messages", conversation(prompt, completion));
                } else {
                    row.put("prompt", content(prompt));
                    row.put("completion", answer(prompt, completion));
                }
                rewards(row, completion);
                completion.likely().ifPresent(likely -> row.putAll(likely.columns()));
            }
            case SampleChoice.Chosen.Labelled(ScoredCompletion completion, boolean label) -> {
                row.put("prompt", content(prompt));
                row.put("completion", answer(prompt, completion));
                row.put("label", label);
                rewards(row, completion);
            }
            case SampleChoice.Chosen.Pair(ScoredCompletion better, ScoredCompletion worse) -> {
                row.put("prompt", content(prompt));
                row.put("chosen", answer(prompt, better));
                row.put("rejected", answer(prompt, worse));
                row.put("score_chosen", better.reward());
                row.put("score_rejected", worse.reward());
            }
        }
        copy(prompt, row);
        return row;
    }

    private static Object content(PromptExample prompt) {
        return prompt.isConversational() ? prompt.messages() : prompt.text();
    }

    private static Object answer(PromptExample prompt, ScoredCompletion completion) {
        return prompt.isConversational()
                ? List.of(Message.of("assistant", completion.text()))
                : completion.text();
    }

    private static List<Message> conversation(PromptExample prompt, ScoredCompletion completion) {
        if (!prompt.isConversational()) {
            throw new ConfigException(
                    "%s: row_form: messages needs prompts that are conversations, and this one is text; set apply_chat_template: true, or row_form: prompt_completion"
                            .formatted(prompt.origin().where()));
        }
        List<Message> messages = new ArrayList<>(prompt.messages());
        messages.add(Message.of("assistant", completion.text()));
        return messages;
    }

    private static void rewards(Map<String, Object> row, ScoredCompletion completion) {
        if (!completion.rewards().isEmpty()) {
            row.put("reward", orNull(completion.reward()));
        }
        if (completion.rewards().size() > 1) {
            completion.rewards().forEach((name, value) -> row.put("reward_" + name, orNull(value)));
        }
    }

    private static Double orNull(double value) {
        return Double.isNaN(value) ? null : value;
    }

    private void copy(PromptExample prompt, Map<String, Object> row) {
        for (String name : ALWAYS_COPIED) {
            if (prompt.columns().get(name) != null) {
                row.put(name, prompt.columns().get(name));
            }
        }
        for (String name : how.keepColumns()) {
            if (!prompt.columns().containsKey(name)) {
                throw new ConfigException(
                        "%s: keep_columns names %s, but the row has %s"
                                .formatted(
                                        prompt.origin().where(), name, prompt.columns().keySet()));
            }
            if (!ALWAYS_COPIED.contains(name) && row.containsKey(name)) {
                throw new ConfigException(
                        "keep_columns names %s, which is a column of the new rows; rename it with datasets: [{path: ..., columns: {%s: other}}]"
                                .formatted(name, name));
            }
            row.put(name, prompt.columns().get(name));
        }
    }

    /// Writes the file whole or not at all.
    ///
    /// @throws ConfigException if it can't be written
    void write(List<Map<String, Object>> rows, Path file) {
        try {
            if (how.isParquet()) {
                table(rows).write(file);
                return;
            }
            AtomicFile.write(
                    file,
                    channel -> {
                        var out =
                                new BufferedWriter(
                                        new OutputStreamWriter(
                                                Channels.newOutputStream(channel),
                                                StandardCharsets.UTF_8));
                        for (Map<String, Object> row : rows) {
                            out.write(json(row));
                            out.write('\n');
                        }
                        out.flush();
                    });
        } catch (IOException e) {
            throw new ConfigException("output_file: %s can't be written: %s".formatted(file, e), e);
        }
    }

    /// Messages as their fields.
    private static Object plain(Object value) {
        return switch (value) {
            case Message message -> message.fields();
            case List<?> list -> list.stream().map(SampleRows::plain).toList();
            case null, default -> value;
        };
    }

    private static String json(Map<String, Object> row) {
        Map<String, Object> plain = new LinkedHashMap<>();
        row.forEach((name, value) -> plain.put(name, plain(value)));
        return jsonOf(plain);
    }

    private static String jsonOf(Object value) {
        try {
            return Json.MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new ConfigException("output_file: a value that JSON can't hold: " + value, e);
        }
    }

    private static ParquetTable table(List<Map<String, Object>> rows) {
        Set<String> names = new LinkedHashSet<>();
        rows.forEach(row -> names.addAll(row.keySet()));
        return new ParquetTable(names.stream().map(name -> column(name, rows)).toList());
    }

    private static ParquetColumn column(String name, List<Map<String, Object>> rows) {
        List<Object> values = new ArrayList<>();
        rows.forEach(row -> values.add(row.get(name)));
        List<Object> given = values.stream().filter(Objects::nonNull).toList();
        if (given.stream().anyMatch(SampleRows::isConversation)
                && !given.stream().allMatch(SampleRows::isConversation)) {
            throw new ConfigException(
                    "output_file: %s is a conversation in some rows and text in others, which a Parquet column can't hold; give a name that ends with .jsonl, or set apply_chat_template: true"
                            .formatted(name));
        }
        return ParquetColumn.of(name, values);
    }

    private static boolean isConversation(Object value) {
        return value instanceof List<?> list
                && !list.isEmpty()
                && list.getFirst() instanceof Message;
    }
}
