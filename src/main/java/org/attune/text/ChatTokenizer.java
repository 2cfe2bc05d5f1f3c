package org.attune.text;

/// Turns conversations into token ids and says which tokens the assistant said. Borrows its parts;
/// thread-safe.
public final class ChatTokenizer {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;

    public ChatTokenizer(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    public ChatTemplate template() {
        return template;
    }

    /// Renders and encodes `conversation`. The template writes all special tokens, so none are
    /// added.
    ///
    /// @throws org.attune.error.DatasetException if the template refuses the messages
    public Encoded encode(Conversation conversation, ChatTemplate.Tail tail) {
        throw new UnsupportedOperationException();
    }

    /// As [#encode], with the mask of assistant tokens. Templates without `{% generation %}`
    /// markers are rendered once more for each assistant turn, so ask for the mask only if needed.
    public MaskedEncoding encodeWithMask(Conversation conversation, ChatTemplate.Tail tail) {
        throw new UnsupportedOperationException();
    }

    /// @param text rendered text
    /// @param ids  its token ids
    public record Encoded(String text, int[] ids) {}

    /// @param text      rendered text
    /// @param ids       its token ids
    /// @param assistant which of them the assistant said, or why that can't be told
    public record MaskedEncoding(String text, int[] ids, AssistantMask assistant) {}
}
