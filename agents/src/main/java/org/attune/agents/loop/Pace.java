package org.attune.agents.loop;

/// When the answer of a world is taken up, while other episodes get tokens.
///
/// @param steps of the other episodes that a call may take without anyone waiting for it, ≥ 0
/// @param isExact whether an answer that comes earlier waits until then, and the others wait for
///     one that comes later. So which episodes get tokens together, and with it every bit, is the
///     same however long tools take. Else answers are taken as they come
public record Pace(int steps, boolean isExact) {
    /// Exact, four steps.
    public static final Pace DEFAULT = new Pace(4, true);

    public Pace {
        if (steps < 0) {
            throw new IllegalArgumentException(
                    "tool_steps is %d; accepted: at least 0".formatted(steps));
        }
    }
}
