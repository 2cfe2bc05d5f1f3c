package org.attune.trainers;

import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Scorer;
import org.attune.policy.TokenForest;
import org.attune.tensor.Tensor;

import java.util.Map;

/// A policy whose passes are counted by a run's clock, in the phases `forward` and `backward`.
/// Measuring belongs to the phase that asks for it.
///
/// @param policy borrowed
/// @param clock borrowed
record TimedPolicy(CausalPolicy policy, PhaseClock clock) implements CausalPolicy {
    /// A reference whose passes are counted in the phase `reference`.
    static Scorer reference(Scorer reference, PhaseClock clock) {
        return (forest, request) ->
                clock.timed(
                        "reference",
                        () -> {
                            clock.pass(forest);
                            return reference.measure(forest, request);
                        });
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        return clock.timed(
                "forward",
                () -> {
                    clock.pass(forest);
                    if (policy.recomputed() > 0) {
                        clock.passAgain(forest, policy.recomputed());
                    }
                    return new TimedEvaluation(policy.evaluate(forest, request), clock);
                });
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        clock.pass(forest);
        return policy.measure(forest, request);
    }

    @Override
    public void startStep(long number) {
        policy.startStep(number);
    }

    @Override
    public boolean hasDropout() {
        return policy.hasDropout();
    }

    @Override
    public double recomputed() {
        return policy.recomputed();
    }

    @Override
    public ParameterSpace parameters() {
        return policy.parameters();
    }

    /// Nothing: the policy is borrowed.
    @Override
    public void close() {}

    private record TimedEvaluation(Evaluation evaluation, PhaseClock clock) implements Evaluation {
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
            try (var _ = clock.enter("backward")) {
                evaluation.backward();
            }
        }

        @Override
        public void backward(float[] tokenGradients, Map<HeadStatistic, float[]> statistics) {
            try (var _ = clock.enter("backward")) {
                evaluation.backward(tokenGradients, statistics);
            }
        }

        @Override
        public void close() {
            evaluation.close();
        }
    }
}
