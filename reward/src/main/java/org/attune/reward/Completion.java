package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.episode.Episode;
import org.attune.text.Message;

import java.util.List;
import java.util.Optional;

/// A completion that the policy generated.
///
/// @param text decoded, without special tokens
/// @param tokens ids as sampled; do not modify
/// @param messages the turns it forms, those of tools and environments included; empty for plain
///     text
/// @param episode that it is; empty for a single answer. Then text is that of the last answer
@Api(STABLE)
public record Completion(
        String text, int[] tokens, List<Message> messages, Optional<Episode> episode) {
    public Completion {
        messages = List.copyOf(messages);
    }

    /// A single answer.
    public Completion(String text, int[] tokens, List<Message> messages) {
        this(text, tokens, messages, Optional.empty());
    }
}
