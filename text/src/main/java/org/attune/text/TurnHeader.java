package org.attune.text;

import org.attune.text.ChatTemplate.Tail;

import java.util.List;
import java.util.Optional;

/// The header that a chat template writes before a turn of the model.
public final class TurnHeader {
    private TurnHeader() {}

    /// The control token with which it begins, as ChatML's `<|im_start|>`: no turn goes on behind
    /// it.
    ///
    /// @param conversation that a turn of the model may follow
    /// @param controls texts of control tokens
    /// @return empty if the header begins with none, or there is no header
    /// @throws org.attune.error.DatasetException if the template refuses the messages
    public static Optional<String> opening(
            ChatTemplate template, Conversation conversation, List<String> controls) {
        String without = template.render(conversation, Tail.NOTHING).text();
        String with = template.render(conversation, Tail.GENERATION_PROMPT).text();
        if (!with.startsWith(without)) {
            return Optional.empty();
        }
        String header = with.substring(without.length()).stripLeading();
        return controls.stream().filter(header::startsWith).findFirst();
    }
}
