package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;
import org.attune.text.Message;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A prompt with its completion, after truncation.
///
/// @param tokens prompt and completion; the prompt has at least one token
/// @param prompt its messages, where episodes are to follow them; else none
/// @param columns the row's other columns by name, as environments and the choice of a
///     teacher see them; else none
/// @param origin the row it comes from
/// @param told what a teacher said in the place of each of the completion's tokens; usually nothing
/// @param texts what the tokens were made of, where another tokenizer is to read it; else nothing
public record CompletionExample(
        CompletionTokens tokens,
        List<Message> prompt,
        Map<String, Object> columns,
        RowOrigin origin,
        Optional<LikelyTokens> told,
        Optional<Texts> texts)
        implements TrainingRow {
    /// A prompt with its completion as texts.
    ///
    /// @param isEnded whether the tokens have an EOS behind the completion that isn't in its text
    public record Texts(String prompt, String completion, boolean isEnded) {}

    public CompletionExample {
        prompt = List.copyOf(prompt);
    }

    /// A row of which no teacher has said anything.
    public CompletionExample(
            CompletionTokens tokens,
            List<Message> prompt,
            Map<String, Object> columns,
            RowOrigin origin) {
        this(tokens, prompt, columns, origin, Optional.empty(), Optional.empty());
    }

    /// A row that no episodes follow.
    public CompletionExample(CompletionTokens tokens, RowOrigin origin) {
        this(tokens, List.of(), Map.of(), origin);
    }

    /// The row with what a teacher said of its completion.
    ///
    /// @param others its tokens
    public CompletionExample told(CompletionTokens others, LikelyTokens said) {
        return new CompletionExample(others, prompt, columns, origin, Optional.of(said), texts);
    }

    /// The row with what its tokens were made of.
    public CompletionExample of(Texts others) {
        return new CompletionExample(tokens, prompt, columns, origin, told, Optional.of(others));
    }

    /// The row with other columns.
    public CompletionExample withColumns(Map<String, Object> others) {
        return new CompletionExample(tokens, prompt, others, origin, told, texts);
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
