package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;
import org.attune.text.Message;

import java.util.List;
import java.util.Map;

/// A prompt with its completion, after truncation.
///
/// @param tokens prompt and completion; the prompt has at least one token
/// @param prompt its messages, where episodes are to follow them; else none
/// @param columns the row's other columns by name, as environments see them; none without episodes
/// @param origin the row it comes from
public record CompletionExample(
        CompletionTokens tokens,
        List<Message> prompt,
        Map<String, Object> columns,
        RowOrigin origin)
        implements TrainingRow {
    public CompletionExample {
        prompt = List.copyOf(prompt);
    }

    /// A row that no episodes follow.
    public CompletionExample(CompletionTokens tokens, RowOrigin origin) {
        this(tokens, List.of(), Map.of(), origin);
    }

    /// Number of tokens of prompt and completion.
    @Override
    public int length() {
        return tokens.length();
    }

    @Override
    public List<int[]> sequences() {
        return List.of(tokens.ids());
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }
}
