package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.time.Duration;

/// Within which limits a tool is called.
///
/// @param timeout of one call, positive
/// @param isSlownessTheModels whether a call that takes longer is the model's doing, as with code
///     that it wrote: it reads so, and the episode goes on. Else the world has failed
/// @param maxCharacters of an answer, at least 100; of a longer one the middle is left out, and a
///     notice says so
@Api(STABLE)
public record ToolLimits(Duration timeout, boolean isSlownessTheModels, int maxCharacters) {
    private static final int LEAST_CHARACTERS = 100;

    /// 30 seconds and 65536 characters; a call that takes longer is the world's failure.
    public static final ToolLimits DEFAULT = new ToolLimits(Duration.ofSeconds(30), false);

    public ToolLimits {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive, got " + timeout);
        }
        if (maxCharacters < LEAST_CHARACTERS) {
            throw new IllegalArgumentException(
                    "maxCharacters must be at least %d, got %d"
                            .formatted(LEAST_CHARACTERS, maxCharacters));
        }
    }

    /// Limits with 65536 characters of a result.
    public ToolLimits(Duration timeout, boolean isSlownessTheModels) {
        this(timeout, isSlownessTheModels, 1 << 16);
    }

    /// The text, its middle left out if it is too long.
    String shortened(String text) {
        if (text.length() <= maxCharacters) {
            return text;
        }
        int head = atCharacter(text, maxCharacters / 2);
        int tail = atCharacter(text, text.length() - maxCharacters / 2);
        return "%s\n… %d characters left out …\n%s"
                .formatted(text.substring(0, head), tail - head, text.substring(tail));
    }

    /// The place, or the one before it inside of a character of two units.
    private static int atCharacter(String text, int place) {
        return Character.isLowSurrogate(text.charAt(place)) ? place - 1 : place;
    }
}
