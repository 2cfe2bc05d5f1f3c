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

    /// A role has the next turn. It reads a text, as a message of the user, where its last
    /// conversation stands; its first turn begins one.
    ///
    /// @param role one of [Environment#roles]
    /// @param reward of the turn that was answered, finite
    static Step observe(String role, String text, double reward) {
        return new Observe(List.of(Message.of("user", text)), reward, role, false);
    }

    /// A role has the next turn, in a conversation that begins anew, as for another try. It has
    /// read nothing but the prompt and a text, as a message of the user.
    ///
    /// @param role one of [Environment#roles]
    /// @param reward of the turn that was answered, finite
    static Step begin(String role, String text, double reward) {
        return new Observe(List.of(Message.of("user", text)), reward, role, true);
    }

    /// The model reads messages, and has the next turn.
    ///
    /// @param reward of the turn, finite
    /// @param role who reads and speaks; empty: who spoke
    /// @param isAnew whether the role begins a conversation, in which it knows of no other
    record Observe(List<Message> messages, double reward, String role, boolean isAnew)
            implements Step {
        public Observe {
            messages = List.copyOf(messages);
        }

        /// Who spoke goes on.
        public Observe(List<Message> messages, double reward) {
            this(messages, reward, "", false);
        }
    }

    /// The episode ends.
    ///
    /// @param reward of the turn, finite
    /// @param isDecided whether the environment ended it, and not the model by an answer
    record Done(double reward, boolean isDecided) implements Step {}
}
