package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.pass.Recomputation;

/// A model that is being trained. The trainers know policies by this interface alone.
@Api(EXPERIMENTAL)
public interface CausalPolicy extends Scorer, AutoCloseable {
    /// Says that the evaluations up to the next call belong to this optimizer step. What they draw
    /// (adapter dropout) follows from seed, step and their order in it.
    void startStep(long number);

    /// Says which number the next evaluation has in the step, from 0, where another process makes
    /// those before it. Those after it count on.
    default void startAt(int evaluation) {}

    /// How much of a forward pass backward passes compute again instead of keeping it.
    default Recomputation.Shares recomputed() {
        return Recomputation.Shares.NONE;
    }

    /// Whether backward passes read copies of the weights that were made for them; that can change
    /// rounding.
    default boolean hasCopies() {
        return false;
    }

    /// Factor of the loss that balances experts ([org.attune.model.layer.ExpertLoad#loss]), which a
    /// training step adds; 0: there is none. Otherwise measurements say how the routers divide
    /// tokens, all tokens of a forest have rows, and beginnings aren't shared.
    default double routerLoss() {
        return 0;
    }

    /// Whether a mean over trained tokens is one over each micro-batch's, then over micro-batches.
    /// So transformers' classes of some models that see pictures train (`accepts_loss_kwargs`).
    default boolean equalBatches() {
        return false;
    }

    /// Runs the forest forward and keeps what the backward pass needs.
    Evaluation evaluate(TokenForest forest, HeadRequest request);

    /// Measures as [#evaluate] will: with the same noise on embeddings, though without dropout.
    default Measurement measureInTraining(TokenForest forest, HeadRequest request) {
        return measure(forest, request);
    }

    /// The trained parameters with their gradients.
    ParameterSpace parameters();

    @Override
    void close();
}
