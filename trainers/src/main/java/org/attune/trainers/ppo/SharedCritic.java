package org.attune.trainers.ppo;

import org.attune.model.pass.Recomputation;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.tensor.Tensor;

import java.util.Map;

/// A critic whose adapter stands on the weights of the policy: it is attached for the critic's own
/// passes, and the policy's adapter at all other times. Owns neither.
final class SharedCritic implements CausalPolicy {
    private final Policy critic;
    private final Policy policy;

    SharedCritic(Policy critic, Policy policy) {
        this.critic = critic;
        this.policy = policy;
        policy.attachAdapter();
    }

    @Override
    public void startStep(long number) {
        critic.startStep(number);
    }

    @Override
    public Recomputation.Shares recomputed() {
        return critic.recomputed();
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        critic.attachAdapter();
        try {
            return critic.measure(forest, request);
        } finally {
            policy.attachAdapter();
        }
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        critic.attachAdapter();
        try {
            return new Attached(critic.evaluate(forest, request));
        } catch (RuntimeException | Error e) {
            policy.attachAdapter();
            throw e;
        }
    }

    /// The critic's adapter stays attached until the evaluation is closed.
    private final class Attached implements Evaluation {
        private final Evaluation evaluation;

        Attached(Evaluation evaluation) {
            this.evaluation = evaluation;
        }

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
            evaluation.backward();
        }

        @Override
        public void backward(float[] gradients, Map<HeadStatistic, float[]> statistics) {
            evaluation.backward(gradients, statistics);
        }

        @Override
        public void close() {
            evaluation.close();
            policy.attachAdapter();
        }
    }

    @Override
    public ParameterSpace parameters() {
        return critic.parameters();
    }

    @Override
    public void close() {
        critic.close();
    }
}
