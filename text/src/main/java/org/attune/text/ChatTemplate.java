package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Renders conversations into the text a chat model was trained on. Implementations are immutable
/// and thread-safe.
@Api(EXPERIMENTAL)
public interface ChatTemplate {
    /// Renders `conversation`.
    ///
    /// @param tail what follows the last message
    /// @throws org.attune.error.DatasetException if the template refuses the messages, with its own
    ///     message and line
    Rendering render(Conversation conversation, Tail tail);

    /// Where the template comes from, for messages.
    default String name() {
        return "of the model";
    }

    /// The template's source text (Jinja).
    String source();

    /// Whether the template marks what the assistant says with `{% generation %}`.
    boolean marksAssistant();

    /// What follows the last message.
    enum Tail {
        /// Nothing: the conversation is complete.
        NOTHING,
        /// The header of the assistant's next turn (`add_generation_prompt`).
        GENERATION_PROMPT,
        /// The last message stays open (`continue_final_message`).
        CONTINUE
    }

    /// @param text  rendered text
    /// @param start first UTF-16 unit of each `{% generation %}` span, in order; -1 if the place of
    ///     a span can't be known (the template marks text inside a macro)
    /// @param end   one past the last UTF-16 unit of each span, or -1
    record Rendering(String text, int[] start, int[] end) {}
}
