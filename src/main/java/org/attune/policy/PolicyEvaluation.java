package org.attune.policy;

import org.attune.model.pass.DecoderRun;
import org.attune.model.pass.RecordedLogits;
import org.attune.tensor.Autograd;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// [Evaluation] of a [Policy].
final class PolicyEvaluation implements Evaluation {
    private final Policy policy;
    private final HeadRequest request;
    private final TensorScope scope = TensorScope.detached("evaluation");
    private final DecoderRun run;
    private final Optional<RecordedLogits> logits;
    private final Head head;
    private Tensor tokenLogProbs;
    private long passesBefore;
    private boolean done;
    private List<double[]> balance = List.of();

    PolicyEvaluation(
            Policy policy, TokenForest forest, HeadRequest request, DecoderRun.Options options) {
        this.policy = policy;
        this.request = request;
        Optional<TargetTensors> targets;
        try {
            try (var _ = scope.enter()) {
                targets = TargetTensors.ahead(policy.decoder().device(), forest);
            }
            run = policy.run(forest, options);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
        try {
            logits = run.logits(forest.targetSources());
            var use =
                    new OutputHead.Use(
                            policy.adapterInUse(), options.dropout(), true, logits, targets);
            head = policy.head(run.hidden(), forest, request, use);
        } catch (RuntimeException | Error e) {
            run.close();
            scope.close();
            throw e;
        }
    }

    @Override
    public Tensor tokenLogProbs() {
        if (tokenLogProbs == null) {
            float[] values = head.measurement().tokenLogProbs();
            try (var _ = scope.enter()) {
                tokenLogProbs = Tensor.of(policy.decoder().device(), values, values.length);
                tokenLogProbs.requireGradient(true);
                passesBefore = Autograd.passes();
            }
        }
        return tokenLogProbs;
    }

    @Override
    public Measurement measurement() {
        return head.measurement().withLoads(run.loads());
    }

    @Override
    public void backward() {
        try (var _ = TensorScope.open("leaf")) {
            // Only asked for where there can be one: the question costs memory otherwise.
            boolean possible = tokenLogProbs != null && Autograd.passes() > passesBefore;
            Tensor gradient = possible ? tokenLogProbs.gradient() : null;
            if (gradient == null) {
                throw new IllegalStateException(
                        "no gradient has reached tokenLogProbs(); call backward() on a loss first");
            }
            backward(gradient.toFloats());
        }
    }

    @Override
    public void balance(List<double[]> slopes) {
        balance = List.copyOf(slopes);
    }

    @Override
    public void backward(float[] tokenGradients, Map<HeadStatistic, float[]> statistics) {
        if (!statistics.keySet().equals(request.learned())) {
            throw new IllegalArgumentException(
                    "gradients of %s were announced, those of %s are given"
                            .formatted(request.learned(), statistics.keySet()));
        }
        if (done) {
            throw new IllegalStateException("backward() runs at most once per evaluation");
        }
        done = true;
        try (var _ = TensorScope.open("backward")) {
            Tensor dHidden = head.backward(tokenGradients, statistics); // (N, D)
            policy.progress().headDone();
            if (!balance.isEmpty()) {
                run.balance(balance);
            }
            run.backward(dHidden, policy.progress()::blockDone);
            policy.progress().embeddingDone();
        }
    }

    @Override
    public boolean reusesForward() {
        return run.isRecorded();
    }

    @Override
    public boolean reusesLogits() {
        return logits.isPresent();
    }

    @Override
    public void close() {
        scope.close();
        head.close();
        run.close();
    }
}
