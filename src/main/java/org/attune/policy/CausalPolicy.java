package org.attune.policy;

/// A model that is being trained. The trainers know policies by this interface alone.
public interface CausalPolicy extends Scorer, AutoCloseable {
    /// Runs the forest forward and keeps what the backward pass needs.
    Evaluation evaluate(TokenForest forest, HeadRequest request);

    /// The trained parameters with their gradients.
    ParameterSpace parameters();

    @Override
    void close();
}
