package org.attune.datasets.formats;

import org.attune.text.Message;

import java.util.List;

/// A text, or the turns of a conversation.
public sealed interface Content {
    /// TRL's "standard" form.
    record Text(String text) implements Content {}

    /// TRL's "conversational" form.
    record Turns(List<Message> messages) implements Content {
        public Turns {
            messages = List.copyOf(messages);
        }
    }
}
