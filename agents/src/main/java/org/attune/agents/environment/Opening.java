package org.attune.agents.environment;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;

import java.util.List;
import java.util.Optional;

/// How an environment begins an episode.
///
/// @param toLast text that is appended to the last message of the prompt, without a separator, as
///     TRL does with what `reset` returns
/// @param messages that follow the prompt's
@Api(STABLE)
public record Opening(Optional<String> toLast, List<Message> messages) {
    /// The prompt as it is.
    public static final Opening NOTHING = new Opening(Optional.empty(), List.of());

    /// Text that is appended to the last message of the prompt.
    public static Opening appended(String text) {
        return new Opening(Optional.of(text), List.of());
    }

    public Opening {
        messages = List.copyOf(messages);
    }
}
