package org.attune.agents.environment;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.text.Message;

import java.util.List;

/// What an environment makes of a turn.
@Api(STABLE)
public sealed interface Step {
    /// The episode ends because the model answered; the turn gets no reward.
    Step END = new Done(0, false);

    /// Reward of the turn.
    double reward();

    /// The model reads a text, as a message of the user, and has the next turn.
    ///
    /// @param reward of the turn, finite
    static Step observe(String text, double reward) {
        return new Observe(List.of(Message.of("user", text)), reward);
    }

    /// The model reads messages, and has the next turn.
    ///
    /// @param reward of the turn, finite
    record Observe(List<Message> messages, double reward) implements Step {
        public Observe {
            messages = List.copyOf(messages);
        }
    }

    /// The episode ends.
    ///
    /// @param reward of the turn, finite
    /// @param isDecided whether the environment ended it, and not the model by an answer
    record Done(double reward, boolean isDecided) implements Step {}
}
