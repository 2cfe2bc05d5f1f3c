package org.attune.trainers.loop;

import org.attune.policy.CausalPolicy;
import org.attune.policy.ParameterSpace;

/// A critic, which estimates how much reward is still to come.
public sealed interface Critic {
    /// The parameters that only the critic has.
    ParameterSpace parameters();

    /// A separate network, or a separate adapter on the policy's frozen weights.
    ///
    /// @param model gives scores where a causal language model gives log-probabilities; borrowed
    record Network(CausalPolicy model) implements Critic {
        @Override
        public ParameterSpace parameters() {
            return model.parameters();
        }
    }

    /// A head on the policy's trunk, which answers [org.attune.policy.HeadStatistic#VALUE].
    ///
    /// @param parameters of the head; the trunk's are the policy's
    record Head(ParameterSpace parameters) implements Critic {}
}
