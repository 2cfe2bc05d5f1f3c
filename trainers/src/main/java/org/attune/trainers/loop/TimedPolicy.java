package org.attune.trainers.loop;

import org.attune.model.pass.Recomputation;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Scorer;
import org.attune.policy.Teacher;
import org.attune.policy.TokenForest;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// A policy whose passes are counted by a run's clock, in a phase forward and one backward.
/// Measuring belongs to the phase that asks for it.
///
/// @param policy borrowed
/// @param clock borrowed
/// @param forward name of the one phase
/// @param backward name of the other
public record TimedPolicy(CausalPolicy policy, PhaseClock clock, String forward, String backward)
        implements CausalPolicy {
    /// What a run trains: the phases are `forward` and `backward`.
    public TimedPolicy(CausalPolicy policy, PhaseClock clock) {
        this(policy, clock, "forward", "backward");
    }

    /// A critic, where it is a separate network: `critic_forward` and `critic_backward`.
    public static Critic critic(Critic critic, PhaseClock clock) {
        return switch (critic) {
            case Critic.Network(var model) ->
                    new Critic.Network(
                            new TimedPolicy(model, clock, "critic_forward", "critic_backward"));
            case Critic.Head head -> head;
        };
    }

    /// A reference whose passes are counted in the phase `reference`.
    public static Scorer reference(Scorer reference, PhaseClock clock) {
        return new Scorer() {
            @Override
            public Measurement measure(TokenForest forest, HeadRequest request) {
                return timed(forest, () -> reference.measure(forest, request));
            }

            @Override
            public Teacher read(TokenForest forest) {
                return timed(forest, () -> reference.read(forest));
            }

            private <T> T timed(TokenForest forest, Supplier<T> pass) {
                return clock.timed(
                        "reference",
                        () -> {
                            clock.pass(forest);
                            return pass.get();
                        });
            }

            @Override
            public Start start() {
                return reference.start();
            }
        };
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        return clock.timed(
                forward,
                () -> {
                    clock.pass(forest);
                    Evaluation evaluation = policy.evaluate(forest, request);
                    if (evaluation.reusesForward()) {
                        clock.passReused(forest, evaluation.reusesLogits());
                    } else if (policy.recomputed().products() > 0) {
                        clock.passAgain(forest, policy.recomputed());
                    }
                    return new TimedEvaluation(evaluation, clock, backward);
                });
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        clock.pass(forest);
        return policy.measure(forest, request);
    }

    @Override
    public Measurement measureInTraining(TokenForest forest, HeadRequest request) {
        clock.pass(forest);
        return policy.measureInTraining(forest, request);
    }

    @Override
    public boolean equalBatches() {
        return policy.equalBatches();
    }

    @Override
    public double routerLoss() {
        return policy.routerLoss();
    }

    @Override
    public void startStep(long number) {
        policy.startStep(number);
    }

    @Override
    public void startAt(int evaluation) {
        policy.startAt(evaluation);
    }

    @Override
    public Recomputation.Shares recomputed() {
        return policy.recomputed();
    }

    @Override
    public boolean hasCopies() {
        return policy.hasCopies();
    }

    @Override
    public ParameterSpace parameters() {
        return policy.parameters();
    }

    /// Nothing: the policy is borrowed.
    @Override
    public void close() {}

    private record TimedEvaluation(Evaluation evaluation, PhaseClock clock, String phase)
            implements Evaluation {
        @Override
        public Tensor tokenLogProbs() {
            return evaluation.tokenLogProbs();
        }

        @Override
        public Measurement measurement() {
            return evaluation.measurement();
        }

        @Override
        public void backward() {
            try (var _ = clock.enter(phase)) {
                evaluation.backward();
            }
        }

        @Override
        public void backward(float[] tokenGradients, Map<HeadStatistic, float[]> statistics) {
            try (var _ = clock.enter(phase)) {
                evaluation.backward(tokenGradients, statistics);
            }
        }

        @Override
        public void balance(List<double[]> slopes) {
            evaluation.balance(slopes);
        }

        @Override
        public boolean reusesForward() {
            return evaluation.reusesForward();
        }

        @Override
        public boolean reusesLogits() {
            return evaluation.reusesLogits();
        }

        @Override
        public void close() {
            evaluation.close();
        }
    }
}
