package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Map;

/// One forward pass whose gradient is still to come. Close it to free the activations, also after
/// an exception.
///
/// An objective is ordinary autograd on [#tokenLogProbs], or a formula with its derivative:
/// ```
/// try (Evaluation e = policy.evaluate(forest, request)) {
///     Tensor loss = objective(e.tokenLogProbs());
///     loss.backward();
///     e.backward();               // adds to the gradients of the policy's parameters
/// }
/// ```
@Api(EXPERIMENTAL)
public interface Evaluation extends AutoCloseable {
    /// Log-probabilities of the targets, `(M)`, a float32 leaf that collects a gradient.
    Tensor tokenLogProbs();

    /// The targets' log-probabilities and the requested statistics on the host.
    Measurement measurement();

    /// Takes the gradient that [#tokenLogProbs] has collected through head and blocks. At most
    /// once.
    void backward();

    /// Takes a given gradient (dLoss/dTokenLogProb of each target, `(M)`) through head and blocks.
    /// At most once.
    default void backward(float[] tokenGradients) {
        backward(tokenGradients, Map.of());
    }

    /// Takes given gradients of log-probabilities and of statistics through head and blocks. At
    /// most once.
    ///
    /// @param statistics dLoss/dStatistic of each target, `(M)`, of all that the request named as
    ///     learned and of no others
    void backward(float[] tokenGradients, Map<HeadStatistic, float[]> statistics);

    /// Adds a loss of the routers to what the backward pass follows. Before [#backward].
    ///
    /// @param slopes dLoss/d[org.attune.model.layer.ExpertLoad#probabilities] of each of
    ///     [Measurement#loads]
    default void balance(List<double[]> slopes) {
        throw new UnsupportedOperationException("this policy has no routers");
    }

    /// Whether the forward pass through the blocks was taken from what generation had computed.
    default boolean reusesForward() {
        return false;
    }

    /// Whether the logits were taken from what generation had computed.
    default boolean reusesLogits() {
        return false;
    }

    @Override
    void close();
}
