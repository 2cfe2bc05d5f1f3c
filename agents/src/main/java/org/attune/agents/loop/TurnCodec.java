package org.attune.agents.loop;

import org.attune.text.Message;
import org.attune.text.parse.ToolCall;

import java.util.List;

/// Makes tokens of what a policy observes between two turns. Immutable and thread-safe.
public interface TurnCodec {
    /// Tokens that follow the turn as it was sampled: what the template writes behind it, the
    /// answers, and the header of the next turn.
    ///
    /// @param turn tokens of the turn, at least one, its end token included if it has one
    /// @param calls that it made; none if an environment answers its text
    /// @param answers messages of tools or of the environment, at least one
    /// @throws org.attune.error.DatasetException if the template can't show the answers
    int[] observation(int[] turn, List<ToolCall> calls, List<Message> answers);

    /// Looks whether the template can show answers behind a turn as they must stand there. To be
    /// asked before a run.
    ///
    /// @throws org.attune.error.ConfigException if it can't
    default void check() {}
}
