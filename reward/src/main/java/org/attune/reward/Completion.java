package org.attune.reward;

import org.attune.text.Message;

import java.util.List;

/// A completion that the policy generated.
///
/// @param text decoded, without special tokens
/// @param tokens ids as sampled; do not modify
/// @param messages the turns it forms, empty for plain text
public record Completion(String text, int[] tokens, List<Message> messages) {
    public Completion {
        messages = List.copyOf(messages);
    }
}
