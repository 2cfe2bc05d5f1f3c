package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;
import org.attune.text.Message;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A prompt that the policy completes in training.
///
/// @param ids token ids; do not modify
/// @param text as the model sees it, rendered by the chat template; a plain text is itself
/// @param messages its turns; empty for a plain text
/// @param columns the row's other columns by name, as reward functions see them
/// @param origin the row it comes from
/// @param taught the prompt as a teacher reads it who is told more than the policy; usually none
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record PromptExample(
        int[] ids,
        String text,
        List<Message> messages,
        Map<String, Object> columns,
        RowOrigin origin,
        Optional<PromptExample> taught)
        implements TrainingRow {
    public PromptExample {
        messages = List.copyOf(messages);
    }

    /// A prompt without another form for a teacher.
    public PromptExample(
            int[] ids,
            String text,
            List<Message> messages,
            Map<String, Object> columns,
            RowOrigin origin) {
        this(ids, text, messages, columns, origin, Optional.empty());
    }

    /// Adds what a teacher reads.
    public PromptExample withTaught(PromptExample other) {
        return new PromptExample(ids, text, messages, columns, origin, Optional.of(other));
    }

    /// Number of tokens of the longer of both forms.
    public int longest() {
        return Math.max(ids.length, taught.map(PromptExample::length).orElse(0));
    }

    /// Number of tokens.
    @Override
    public int length() {
        return ids.length;
    }

    @Override
    public List<int[]> sequences() {
        return List.of(ids);
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }

    /// Whether the prompt is a conversation.
    public boolean isConversational() {
        return !messages.isEmpty();
    }
}
